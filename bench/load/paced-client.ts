import { join } from "node:path";
import type { Closers } from "../../src/closers.ts";
import { startProgram } from "../program.ts";

/** Calls to make at a steady rate. */
export interface PacedOrder {
  /** `host:port`. */
  readonly address: string;
  readonly path: string;
  readonly body: Buffer;
  readonly callsPerSecond: number;
  readonly seconds: number;
}

export interface PacedReport {
  /** In the order in which calls ended. */
  readonly latenciesMs: Float64Array;
  readonly failed: number;
  readonly firstFailure: string | undefined;
}

/** A grpc-js client in a process of its own that does not wait for answers before it asks again. */
export function startPacedClient(
  core: number | undefined,
  closers: Closers,
): (order: PacedOrder) => Promise<PacedReport> {
  const script = join(import.meta.dirname, "..", "processes", "paced-client.ts");
  const program = startProgram({ core, script, answers: true });
  closers.add("paced client", () => program.stop());
  return async (order) => {
    const report = await program.ask(order);
    if (!isReport(report)) throw new Error(`the paced client failed: ${JSON.stringify(report)}`);
    return report;
  };
}

function isReport(value: unknown): value is PacedReport {
  return typeof value === "object" && value !== null && "latenciesMs" in value;
}
