import { join } from "node:path";
import type { Closers } from "../../src/closers.ts";
import { startProgram } from "../program.ts";
import type { LoadOrder, LoadReport } from "./order.ts";

/** A process that makes calls of gRPC, as bytes of HTTP/2, or with node:http. */
export interface LoadClient {
  /** @throws Error if a call fails, unless failures are to be counted. */
  run(order: LoadOrder, options?: { readonly countFailures: boolean }): Promise<LoadReport>;
}

const script = join(import.meta.dirname, "..", "processes", "load-client.ts");

export function startLoadClient(core: number | undefined, closers: Closers): LoadClient {
  const program = startProgram({ core, script, answers: true });
  closers.add("load client", () => program.stop());
  return {
    async run(order, { countFailures } = { countFailures: false }) {
      const report = await program.ask(order);
      if (!isReport(report)) throw new Error(`the load client failed: ${JSON.stringify(report)}`);
      if (report.failed > 0 && !countFailures) {
        throw new Error(`${report.failed} of ${report.latenciesMs.length} calls failed: ${report.firstFailure}`);
      }
      return report;
    },
  };
}

function isReport(value: unknown): value is LoadReport {
  return typeof value === "object" && value !== null && "latenciesMs" in value;
}
