import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createClosers } from "../src/closers.ts";
import type { Bench, Findings, Measurement } from "./measurement.ts";

/** What became of one measurement. */
export interface Outcome {
  readonly measurement: Measurement;
  readonly seconds: number;
  readonly result: { readonly kind: "measured"; readonly findings: Findings } | { readonly kind: "failed"; readonly why: string };
}

/** Runs one after the other; a failed one ends what it had started, and the next one begins. */
export async function runMeasurements(
  measurements: readonly Measurement[],
  bench: Omit<Bench, "closers">,
  done: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const measurement of measurements) {
    const startedAt = performance.now();
    const result = await runOne(measurement, bench);
    const outcome = { measurement, seconds: (performance.now() - startedAt) / 1000, result };
    outcomes.push(outcome);
    done(outcome);
  }
  return outcomes;
}

async function runOne(measurement: Measurement, bench: Omit<Bench, "closers">): Promise<Outcome["result"]> {
  const closers = createClosers();
  const directory = join(bench.directory, measurement.name);
  try {
    await mkdir(directory);
    return { kind: "measured", findings: await measurement.run({ ...bench, directory, closers }) };
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message : "unknown" };
  } finally {
    await closers.close().catch(() => undefined);
  }
}
