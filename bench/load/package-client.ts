import { join } from "node:path";
import type { Closers } from "../../src/closers.ts";
import { startProgram } from "../program.ts";

export interface PackageOrder {
  readonly address: string;
  readonly installationId: string;
  /** Of each run. */
  readonly seconds: number;
  readonly repetitions: number;
}

/** Of each run in turn. Latencies are milliseconds, ascending. */
export interface PackageReport {
  readonly viaGrpc: readonly Float64Array[];
  readonly viaPackage: readonly Float64Array[];
  readonly readsPerSecond: readonly number[];
}

/** Uses the client package in a process of its own. @throws Error if a call fails. */
export async function runPackageClient(
  core: number | undefined,
  closers: Closers,
  order: PackageOrder,
): Promise<PackageReport> {
  const script = join(import.meta.dirname, "..", "processes", "package-client.ts");
  const program = startProgram({ core, script, answers: true });
  closers.add("package client", () => program.stop());
  const report = await program.ask(order);
  if (!isReport(report)) throw new Error(`the package client failed: ${JSON.stringify(report)}`);
  return report;
}

function isReport(value: unknown): value is PackageReport {
  return typeof value === "object" && value !== null && "readsPerSecond" in value;
}
