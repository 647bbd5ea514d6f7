import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Closers } from "../../src/closers.ts";
import { type Program, startProgram } from "../program.ts";

/** Rapid resets to send. */
export interface AttackOrder {
  readonly port: number;
  readonly path: string;
  /** At a time; each is replaced when it is cut. */
  readonly connections: number;
  readonly seconds: number;
}

export interface AttackReport {
  /** Made in all. */
  readonly connections: number;
  /** Opened and reset. */
  readonly streams: number;
}

/** Connections to hold. */
export interface IdleOrder {
  readonly port: number;
  readonly connections: number;
}

/** Attackers in a process of their own; at the lowest priority, so that they do not slow down what shares their core. */
export function startAttackers(
  core: number | undefined,
  closers: Closers,
): (order: AttackOrder) => Promise<AttackReport> {
  const program = startProcess("rapid-reset.ts", core, closers);
  return async (order) => {
    const report = await program.ask(order);
    if (isReport(report)) return report;
    throw new Error(`the attackers failed: ${JSON.stringify(report)}`);
  };
}

/** Opens connections that ask for nothing, from a process of their own. Resolves to how many are open. */
export async function holdIdle(core: number | undefined, closers: Closers, order: IdleOrder): Promise<number> {
  const program = startProcess("idle-connections.ts", core, closers);
  const report = await program.ask(order);
  if (typeof report === "object" && report !== null && "open" in report) return Number(report.open);
  throw new Error(`the idle connections failed: ${JSON.stringify(report)}`);
}

/** How many files a process may have open here; Node raises its own limit to that. */
export function openFilesLimit(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}

function startProcess(file: string, core: number | undefined, closers: Closers): Program {
  const script = join(import.meta.dirname, "..", "processes", file);
  const program = startProgram({ core, script, answers: true });
  closers.add(file, () => program.stop());
  return program;
}

function isReport(value: unknown): value is AttackReport {
  return typeof value === "object" && value !== null && "streams" in value;
}
