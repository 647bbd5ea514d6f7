import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { createClosers } from "../../src/closers.ts";
import { count, figure, milliseconds } from "../figures.ts";
import type { Bench, Findings, Measurement, Row } from "../measurement.ts";
import { type BenchPostgres, startBenchPostgres } from "../postgres-server.ts";
import { type Capacity, measureCapacity } from "../scale/capacity.ts";
import { fillDatabase } from "../scale/fill.ts";
import { startHeld } from "../scale/jobs.ts";
import { roundsOf } from "../scale/rounds.ts";
import { startPlatforms } from "../service.ts";
import { type StatementTimes, timeStatements } from "../statements.ts";

export const scale: Measurement = {
  name: "scale",
  title: "What runs by itself, by the number of installations, and what one Postgres carries",
  run: measure,
};

/** No statement of what runs by itself may take longer. */
const mostMs = 1_000;

/** No more than the server needs itself is logged, and nothing else runs in it while something is timed. */
const settings = {
  ...{ wal_level: "minimal", max_wal_senders: "0", max_wal_size: "8GB", checkpoint_timeout: "1h", autovacuum: "off" },
  ...{ shared_buffers: "1GB", maintenance_work_mem: "1GB" },
};

interface Measured {
  readonly rounds: ReadonlyMap<string, StatementTimes | Error>;
  readonly capacity: Capacity;
}

async function measure(bench: Bench): Promise<Findings> {
  const { plan, directory, cores, closers } = bench;
  const postgres = await startBenchPostgres(directory, cores, closers, settings);
  const [few, many] = plan.scale;
  const small = await measureOne(bench, postgres, few, true);
  const large = await measureOne(bench, postgres, many, false);
  return {
    columns: ["", ...plan.scale.map((rows) => `${count(rows)} installations`)],
    rows: [...roundRows(small, large), ...capacityRows(small.capacity, large.capacity)],
    how: how(plan.scale),
  };
}

async function measureOne(
  bench: Bench,
  postgres: BenchPostgres,
  installations: number,
  withTokens: boolean,
): Promise<Measured> {
  const closers = createClosers();
  bench.closers.add(`${installations} installations`, closers.close);
  const name = `bench_scale_${installations}`;
  const url = await postgres.createDatabase(name);
  await fillDatabase({ url, installations, withTokens });
  const capacity = await measureCapacity(url, installations);
  const { environment } = await startPlatforms(closers);
  const rounds = new Map<string, StatementTimes | Error>();
  const time = async (round: string, work: () => Promise<unknown>) => {
    let failure: Error | undefined;
    const times = await timeStatements(postgres, name, () =>
      work().catch((error: unknown) => {
        failure = error instanceof Error ? error : new Error("unknown");
      }),
    );
    rounds.set(round, failure ?? times);
    say(`${count(installations)} ${round}`, times, failure);
  };
  const started = Promise.withResolvers<Awaited<ReturnType<typeof startHeld>>>();
  started.promise.catch(() => undefined);
  await time("start", async () => started.resolve(await startHeld(url, environment, closers)));
  await webhooksRest(url);
  for (const [round, work] of roundsOf(await started.promise)) await time(round, work);
  await closers.close();
  await postgres.admin.unsafe(`drop database ${name} with (force)`);
  return { rounds, capacity };
}

/** What the start looks at goes on beside it. */
async function webhooksRest(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  const underWay = async () => {
    const rows = await sql`select from webhooks where lease_until > now() or due_at <= now() limit 1`;
    return rows.length > 0;
  };
  for (let looks = 0; looks < 120 && (await underWay()); looks++) await delay(500);
  await sql.end();
}

/** The longest statement says where to look. */
function say(name: string, times: StatementTimes, failure: Error | undefined): void {
  const failed = failure === undefined ? "" : `failed: ${failure.message}; `;
  process.stdout.write(`${name}: ${failed}${cell(times)}: ${times.longest.slice(0, 160)}\n`);
}

function roundRows(small: Measured, large: Measured): readonly Row[] {
  return [...large.rounds].map(([name, times]) => {
    const beside = small.rounds.get(name);
    const isShort = (one: StatementTimes | Error) => !(one instanceof Error) && one.longestMs < mostMs;
    const met = isShort(times) && (beside === undefined || isShort(beside));
    return {
      cells: [name, beside === undefined ? "" : cell(beside), cell(times)],
      target: { text: "longest < 1 s", met },
    };
  });
}

function cell(times: StatementTimes | Error): string {
  if (times instanceof Error) return `failed: ${times.message}`;
  return `${milliseconds(times.longestMs)}; ${count(times.statements)} in ${milliseconds(times.totalMs)}`;
}

function capacityRows(small: Capacity, large: Capacity): readonly Row[] {
  const row = (name: string, of: (capacity: Capacity) => string): Row => ({ cells: [name, of(small), of(large)] });
  const gigabytes = (bytes: number) => `${figure(bytes / 1e9)} GB`;
  return [
    row("on disk for a million installations", (of) => gigabytes(of.bytesPerInstallation * 1e6)),
    row("on disk for a million hand-outs on record", (of) => gigabytes(of.bytesPerHandOut * 1e6)),
    row("look-ups of one installation per second, any of all", (of) => count(of.looksPerSecond)),
    row("refreshes stored per second (lease and commit)", (of) => count(of.refreshesPerSecond)),
    row("the same, if no replica were told of it", (of) => count(of.silentRefreshesPerSecond)),
    row("log of the database for each refresh", (of) => `${figure(of.walPerRefresh / 1000)} kB`),
  ];
}

function how([few, many]: readonly [number, number]): string {
  return [
    "Each cell of a round: its longest statement; how many statements (planning apart), and how long all of them took, by the clock of Postgres, which logs each.",
    "The service runs in this process with its jobs held, and each is run once, so that none is missing here.",
    `The database is filled by statements of its own as one in use for two years; with ${count(few)} installations credentials hold texts as long as sealed tokens, with ${count(many)} none.`,
    "Look-ups and refreshes: one client process with ten connections beside nothing else, commits flushed.",
  ].join(" ");
}
