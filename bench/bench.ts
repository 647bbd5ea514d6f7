import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeWorkDirectory, removeWorkDirectory } from "../rig/work-directory.ts";
import { type Closers, createClosers } from "../src/closers.ts";
import { findCores } from "./cores.ts";
import { latencyPicture } from "./latency-picture.ts";
import { machineFacts } from "./machine.ts";
import type { Measurement } from "./measurement.ts";
import { clientPackage } from "./measurements/client-package.ts";
import { cold } from "./measurements/cold.ts";
import { deliveries } from "./measurements/deliveries.ts";
import { firstHandOut } from "./measurements/first-hand-out.ts";
import { hostile } from "./measurements/hostile.ts";
import { listInstallations } from "./measurements/list-installations.ts";
import { memory } from "./measurements/memory.ts";
import { pages } from "./measurements/pages.ts";
import { record } from "./measurements/record.ts";
import { refreshStorm } from "./measurements/refresh-storm.ts";
import { scale } from "./measurements/scale.ts";
import { startUp } from "./measurements/start-up.ts";
import { warmConnect } from "./measurements/warm-connect.ts";
import { warmEmbedded } from "./measurements/warm-embedded.ts";
import { warmAuthorized, warmGrpc } from "./measurements/warm-grpc.ts";
import { warmRest } from "./measurements/warm-rest.ts";
import { type Plan, parsePlan } from "./plan.ts";
import { startBenchPostgres } from "./postgres-server.ts";
import { findingsTable, type ResultsPage, resultsPage } from "./results-page.ts";
import { type Outcome, runMeasurements } from "./run-measurements.ts";
import { buildService } from "./service.ts";

const measurements: readonly Measurement[] = [
  warmGrpc,
  warmAuthorized,
  refreshStorm,
  warmRest,
  warmConnect,
  warmEmbedded,
  clientPackage,
  cold,
  firstHandOut,
  memory,
  hostile,
  deliveries,
  startUp,
  listInstallations,
  pages,
  scale,
  record,
];

/** For ending everything and writing the results. */
const reserveSeconds = 14;

await main();

/** Measures everything that was asked for, and writes RESULTS.md. */
async function main(): Promise<void> {
  const plan = readPlan();
  const startedAt = performance.now();
  const closers = createClosers();
  const interruption = endOnSignals(closers);
  const directory = await makeWorkDirectory("bench");
  // However this process ends; the programs it started end in the same way.
  process.once("exit", () => removeWorkDirectory(directory));
  const giveUpAt = startedAt + (plan.limitSeconds - reserveSeconds) * 1000;
  const limit = setTimeout(() => {
    print(`\nThe benchmark did not end within ${plan.limitSeconds} s.\n`);
    process.exit(1);
  }, plan.limitSeconds * 1000);

  try {
    await buildService(closers);
    const cores = findCores();
    const postgres = await startBenchPostgres(directory, cores, closers);
    const facts = [...machineFacts(postgres), ["Cores", cores.description] as const];
    print(`${facts.map(([name, value]) => `${name}: ${value}`).join("\n")}\n`);
    const chosen = measurements.filter(({ name }) => plan.only?.has(name) ?? true);
    const outcomes = await runMeasurements(
      chosen,
      { plan, cores, postgres, directory, closers },
      { giveUpAt, done: printOutcome },
    );
    if (outcomes.some(({ result }) => result.kind === "failed")) process.exitCode = 1;
    // A part of the figures does not replace all of them.
    if (plan.only === undefined && !interruption.aborted) {
      await writeResults({ plan, facts, outcomes, seconds: (performance.now() - startedAt) / 1000 });
    }
  } finally {
    await closers.close().catch(() => undefined);
    clearTimeout(limit);
  }
  // Interrupted, the process ends when everything else has.
  if (!interruption.aborted) process.exit();
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

/** Ends everything in order. */
function endOnSignals(closers: Closers): AbortSignal {
  const interruption = new AbortController();
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.on(signal, () => {
      // A second one does not wait.
      if (interruption.signal.aborted) process.exit(code);
      interruption.abort();
      closers
        .close()
        .finally(() => process.exit(code))
        .catch(() => undefined);
    });
  }
  return interruption.signal;
}

function printOutcome({ measurement, seconds, result }: Outcome): void {
  const lines = result.kind === "failed" ? [`failed: ${result.why}`] : [...findingsTable(result.findings)];
  print(`\n${measurement.title} (${Math.round(seconds)} s)\n${lines.join("\n")}\n`);
}

async function writeResults(results: Omit<ResultsPage, "picture">): Promise<void> {
  const curves = results.outcomes.flatMap(({ result }) =>
    result.kind === "measured" ? (result.findings.curves ?? []) : [],
  );
  const picture = curves.length === 0 ? undefined : "latency.svg";
  if (picture !== undefined) await writeFile(join(import.meta.dirname, picture), latencyPicture(curves));
  const page = resultsPage({ ...results, picture });
  await writeFile(join(import.meta.dirname, "RESULTS.md"), page);
  print("\nWritten to bench/RESULTS.md\n");
}

function print(text: string): void {
  process.stdout.write(text);
}
