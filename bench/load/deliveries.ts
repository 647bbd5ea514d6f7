import { join } from "node:path";
import type { Closers } from "../../src/closers.ts";
import { startProgram } from "../program.ts";

/** Deliveries of one platform to send at a steady rate, each with an id of its own. */
export interface DeliveryOrder {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly idHeader: string;
  readonly body: string;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface DeliveryReport {
  /** In the order in which they were answered. */
  readonly latenciesMs: Float64Array;
  /** Answered with 2xx. */
  readonly accepted: number;
  readonly firstFailure: string | undefined;
}

/** A platform in a process of its own, which does not wait for answers before it sends the next one. */
export function startDeliverer(
  core: number | undefined,
  closers: Closers,
): (order: DeliveryOrder) => Promise<DeliveryReport> {
  const script = join(import.meta.dirname, "..", "processes", "deliverer.ts");
  const program = startProgram({ core, script, answers: true });
  closers.add("deliverer", () => program.stop());
  return async (order) => {
    const report = await program.ask(order);
    if (isReport(report)) return report;
    throw new Error(`the deliverer failed: ${JSON.stringify(report)}`);
  };
}

function isReport(value: unknown): value is DeliveryReport {
  return typeof value === "object" && value !== null && "accepted" in value;
}
