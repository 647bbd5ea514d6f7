import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createClosers } from "../src/closers.ts";
import type { Bench, Findings, Measurement } from "./measurement.ts";

/** What became of one measurement. */
export interface Outcome {
  readonly measurement: Measurement;
  readonly seconds: number;
  readonly result:
    | { readonly kind: "measured"; readonly findings: Findings }
    | { readonly kind: "failed"; readonly why: string };
}

/**
 * Runs one after the other; a failed one ends what it had started, and the next one begins. What is not done when
 * time is up counts as failed.
 */
export async function runMeasurements(
  measurements: readonly Measurement[],
  bench: Bench,
  { giveUpAt, done }: { readonly giveUpAt: number; readonly done: (outcome: Outcome) => void },
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const measurement of measurements) {
    const startedAt = performance.now();
    const result = await runOne(measurement, bench, giveUpAt - startedAt);
    const outcome = { measurement, seconds: (performance.now() - startedAt) / 1000, result };
    outcomes.push(outcome);
    done(outcome);
  }
  return outcomes;
}

async function runOne(measurement: Measurement, bench: Bench, limitMs: number): Promise<Outcome["result"]> {
  if (limitMs <= 0) return outOfTime;
  const closers = createClosers();
  bench.closers.add(measurement.name, closers.close);
  const done = new AbortController();
  const directory = join(bench.directory, measurement.name);
  try {
    await mkdir(directory);
    const late = delay(limitMs, outOfTime, { signal: done.signal });
    const findings = measurement.run({ ...bench, directory, closers });
    const measured = findings.then((found) => ({ kind: "measured", findings: found }) as const);
    // What is given up may still fail later.
    for (const work of [late, measured]) work.catch(() => undefined);
    return await Promise.race([measured, late]);
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message : "unknown" };
  } finally {
    done.abort();
    await closers.close().catch(() => undefined);
  }
}

const outOfTime = { kind: "failed", why: "the time of the whole benchmark was up" } as const;
