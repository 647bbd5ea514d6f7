import { availableParallelism } from "node:os";
import { compileService } from "../rig/child-service.ts";
import { type PostgresServer, startPostgres } from "../rig/postgres-server.ts";
import { seededRandom } from "../rig/seeded-random.ts";
import { makeWorkDirectory, removeWorkDirectory } from "../rig/work-directory.ts";
import { createClosers } from "../src/closers.ts";
import { type Plan, parsePlan, usage } from "./plan.ts";
import { brokenPromises, type Row } from "./row.ts";
import type { Scenario } from "./scenario.ts";
import { failover } from "./scenarios/failover.ts";
import { killLeeway } from "./scenarios/kill-leeway.ts";
import { killStrict } from "./scenarios/kill-strict.ts";
import { listenCut } from "./scenarios/listen-cut.ts";
import { platformOutage } from "./scenarios/platform-outage.ts";
import { postgresFrozen } from "./scenarios/postgres-frozen.ts";
import { postgresRestarts } from "./scenarios/postgres-restarts.ts";
import { recordBroken } from "./scenarios/record-broken.ts";
import { rollingRestart } from "./scenarios/rolling-restart.ts";
import { renderTable } from "./table.ts";

const scenarios: readonly Scenario[] = [
  killLeeway,
  killStrict,
  postgresRestarts,
  postgresFrozen,
  failover,
  listenCut,
  recordBroken,
  platformOutage,
  rollingRestart,
];

await main();

/** Plays every fault that was asked for and prints one table. Exit code 1: a promise was broken, or a run failed. */
async function main(): Promise<void> {
  const plan = readPlan();
  const directory = await makeWorkDirectory("chaos");
  const closers = createClosers();
  const rows: Row[] = [];
  // However this process ends; the processes it started end in the same way.
  process.once("exit", () => removeWorkDirectory(directory));
  let ending = false;
  const end = async (code: number, why: string) => {
    if (ending) process.exit(code);
    ending = true;
    print(`\n${why}\n`);
    if (rows.length > 0) print(renderTable(rows));
    await closers.close().catch(() => undefined);
    process.exit(code);
  };
  process.on("unhandledRejection", (error) => {
    // What is cut off by the end fails; nobody waits for it any more.
    if (!ending) void end(1, `failed: ${error instanceof Error ? error.stack : String(error)}`);
  });
  process.on("SIGINT", () => void end(130, "interrupted"));
  process.on("SIGTERM", () => void end(143, "interrupted"));
  setTimeout(() => void end(1, `not finished within ${plan.limitSeconds} s`), plan.limitSeconds * 1000).unref();

  const startedAt = performance.now();
  let failures = 0;
  try {
    await compileService();
    // Commits are durable against every fault of the run; the machine itself is not switched off.
    const postgres = await startPostgres({ directory, settings: { fsync: "off" } });
    closers.add("Postgres", () => postgres.stop("immediate"));
    print(
      `seed ${plan.seed}, ${availableParallelism()} cores, Node ${process.version}, Postgres ${postgres.version}\n`,
    );
    for (const scenario of scenarios.filter(({ name }) => plan.only?.has(name) ?? true)) {
      if (ending) break;
      failures += await play(scenario, postgres, plan, closers, rows);
    }
  } catch (error) {
    failures++;
    print(`${error instanceof Error ? error.stack : String(error)}\n`);
  }
  const broken = rows.filter((row) => brokenPromises(row).length > 0).length;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  const verdict = broken === 0 ? "every promise was kept" : `promises were broken in ${broken} rows`;
  await end(
    failures + broken > 0 ? 1 : 0,
    `${seconds} s; ${verdict}${failures > 0 ? `; ${failures} runs failed` : ""}`,
  );
}

/** Returns how many runs failed: 0 or 1. The next one begins on a clean stage. */
async function play(
  { name, run }: Scenario,
  postgres: PostgresServer,
  { seed, quick, asynchronous }: Plan,
  all: ReturnType<typeof createClosers>,
  rows: Row[],
): Promise<number> {
  const startedAt = performance.now();
  const say = (text: string) => print(`${name}: ${text}\n`);
  const closers = createClosers();
  all.add(name, closers.close);
  try {
    const random = seededRandom(seed).named(name);
    const database = name.replaceAll("-", "_");
    rows.push(...(await run({ postgres, database, closers, random, quick, asynchronous, say })));
    return 0;
  } catch (error) {
    say(`failed: ${error instanceof Error ? error.stack : String(error)}`);
    return 1;
  } finally {
    await closers.close().catch((error: unknown) => say(`not closed cleanly: ${String(error)}`));
    say(`${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  }
}

function readPlan(): Plan {
  try {
    return parsePlan(
      process.argv.slice(2),
      scenarios.map(({ name }) => name),
    );
  } catch (error) {
    print(`${error instanceof Error ? error.message : "unknown"}\n${usage}\n`);
    process.exit(2);
  }
}

function print(text: string): void {
  process.stdout.write(text);
}
