import { join } from "node:path";
import type { Closers } from "../../src/closers.ts";
import { startProgram } from "../program.ts";
import type { LoadReport } from "./order.ts";

/** A statement with one parameter to run again and again. */
export interface DatabaseOrder {
  readonly url: string;
  readonly statement: string;
  /** Values of its parameter, taken in turn. */
  readonly keys: readonly string[];
  readonly inFlight: number;
  readonly seconds: number;
}

/** A process that uses the database directly. */
export interface DatabaseClient {
  readonly pid: number;
  run(order: DatabaseOrder): Promise<LoadReport>;
}

const script = join(import.meta.dirname, "..", "processes", "database-client.ts");

export function startDatabaseClient(core: number | undefined, closers: Closers): DatabaseClient {
  const program = startProgram({ core, script, answers: true });
  closers.add("database client", () => program.stop());
  return {
    pid: program.pid,
    async run(order) {
      const report = await program.ask(order);
      if (isReport(report)) return report;
      throw new Error(`the database client failed: ${JSON.stringify(report)}`);
    },
  };
}

function isReport(value: unknown): value is LoadReport {
  return typeof value === "object" && value !== null && "latenciesMs" in value;
}
