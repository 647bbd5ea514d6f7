import postgres from "postgres";
import { median, quantile } from "../distribution.ts";
import { figure, microseconds, milliseconds } from "../figures.ts";
import { type DatabaseClient, startDatabaseClient } from "../load/database-client.ts";
import { type LoadClient, startLoadClient } from "../load/load-client.ts";
import { type LoadReport, rateOf } from "../load/order.ts";
import { runPgbench } from "../load/pgbench.ts";
import type { Bench, Findings, Measurement } from "../measurement.ts";
import { withUsage } from "../process-usage.ts";
import { getTokenPath, getTokenRequest } from "../requests.ts";
import { seedTokens } from "../seed-tokens.ts";
import { type Service, startPlatforms, startService } from "../service.ts";
import { countStatements } from "../statements.ts";
import { postgresSettings } from "../warm-service.ts";

export const cold: Measurement = {
  name: "cold",
  title: "Cold GetToken, against reading one row by its key",
  run: measure,
};

const database = "bench_cold";
const tokens = 1_000;
/** As many as the service has connections to the database. */
const inFlight = 10;
/** GetToken beside one row. */
const atLeast = 0.2;

async function measure(bench: Bench): Promise<Findings> {
  const { plan, cores, closers, postgres: server, directory } = bench;
  const settings = await postgresSettings(bench, database);
  const url = server.urlOf(database);
  const ids = await seedTokens(url, tokens);
  await makeTable(url);
  const sandbox = await startPlatforms(closers);
  const service = await startService(closers, {
    core: cores.server,
    // Asked for in turn, none of the tokens is ever found in a cache of one.
    env: { ...sandbox.environment, ...settings, CACHE_MAX_ENTRIES: "1" },
  });
  const client = startLoadClient(cores.load, closers);
  const direct = startDatabaseClient(cores.server, closers);
  const getToken = (calls: number, seconds?: number) =>
    client.run({ ...orderOf(service.grpcAddress, ids, calls), ...(seconds === undefined ? {} : forSeconds(seconds)) });

  // The first hand-out of each token, with its audit row.
  await getToken(50);
  await getToken(inFlight, plan.warmUpSeconds);
  const statements = await countStatements(server, database, tokens, () => getToken(1));

  const alone = await alternate(bench, client, direct, { service, ids, url, inFlight: 1 });
  const busy = await alternate(bench, client, direct, { service, ids, url, inFlight });
  const seconds = plan.runSeconds;
  const pgbench = await runPgbench({ url, table, rows: tokens, inFlight, seconds, core: cores.server, directory });
  return {
    columns: ["", "one row by postgres.js", "GetToken, cold", "ratio", "one row by pgbench"],
    rows: [
      {
        cells: [
          `calls per second, ${inFlight} under way`,
          ...perSecond(busy),
          pgbench === undefined ? "not installed" : figure(pgbench),
        ],
        target: { text: `≥ ${atLeast.toFixed(2)}`, met: rateRatio(busy) >= atLeast },
      },
      { cells: [`processor time per call, ${inFlight} under way`, ...processorTime(busy), ""] },
      { cells: ["median latency, one under way", ...latency(alone, 0.5), ""] },
      { cells: ["p99 latency, one under way", ...latency(alone, 0.99), ""] },
      {
        cells: ["statements per call", "1", statements.perCall.toFixed(3), "", ""],
        target: { text: "1", met: statements.perCall <= 1.001 },
      },
    ],
    how: `${tokens} tokens asked for in turn with CACHE_MAX_ENTRIES=1, each handed out before, so that what is left is the look-up and opening the token.
Beside it, in turn: one process with postgres.js (prepared, ${inFlight} connections) on the core of the server, reading one row by primary key. The client speaks HTTP/2 in bytes of its own, since a library takes as much of its core as the service takes of the other one.`,
  };
}

type Run = LoadReport & { readonly processorMicros: number };

interface Pair {
  readonly direct: readonly Run[];
  readonly getToken: readonly Run[];
}

async function alternate(
  { plan }: Bench,
  client: LoadClient,
  direct: DatabaseClient,
  of: { readonly service: Service; readonly ids: readonly string[]; readonly url: string; readonly inFlight: number },
): Promise<Pair> {
  const { service, ids, url, inFlight } = of;
  const pair = { direct: [] as Run[], getToken: [] as Run[] };
  const seconds = plan.runSeconds / 2;
  const oneRow = () => direct.run({ url, statement, keys, inFlight, seconds });
  const getToken = () => client.run({ ...orderOf(service.grpcAddress, ids, inFlight), ...forSeconds(seconds) });
  for (let i = 0; i < plan.repetitions; i++) {
    pair.direct.push(await withUsage(direct.pid, oneRow));
    pair.getToken.push(await withUsage(service.pid, getToken));
  }
  return pair;
}

function perSecond(pair: Pair): string[] {
  const typical = (reports: readonly LoadReport[]) => figure(median(reports.map(rateOf)));
  return [typical(pair.direct), typical(pair.getToken), rateRatio(pair).toFixed(2)];
}

/** The median of runs that were made one right after the other. */
function rateRatio({ direct, getToken }: Pair): number {
  return median(getToken.map((run, i) => rateOf(run) / rateOf(direct[i] ?? run)));
}

/** Without that of Postgres. */
function processorTime({ direct, getToken }: Pair): string[] {
  const of = (runs: readonly Run[]) => median(runs.map((run) => run.processorMicros));
  return [microseconds(of(direct)), microseconds(of(getToken)), (of(getToken) / of(direct)).toFixed(2)];
}

function latency({ direct, getToken }: Pair, share: number): string[] {
  const of = (reports: readonly LoadReport[]) =>
    median(reports.map((run) => quantile(run.latenciesMs.toSorted(), share)));
  return [milliseconds(of(direct)), milliseconds(of(getToken)), (of(getToken) / of(direct)).toFixed(2)];
}

function orderOf(address: string, ids: readonly string[], calls: number) {
  return {
    protocol: "grpc" as const,
    addresses: [address],
    connections: Math.min(calls, 4),
    path: getTokenPath,
    bodies: ids.map(getTokenRequest),
    inFlight: calls,
    stop: { kind: "calls" as const, calls: ids.length },
  };
}

function forSeconds(seconds: number) {
  return { stop: { kind: "seconds" as const, seconds } };
}

const table = "bench_rows";
const keys = Array.from({ length: tokens }, (_, index) => String(index + 1));
const statement = `select filler from ${table} where n = $1`;

async function makeTable(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  await sql.unsafe(`create table ${table} (n integer primary key, filler text not null)`);
  await sql.unsafe(`insert into ${table} select n, repeat('x', 300) from generate_series(1, ${tokens}) as n`);
  await sql.unsafe(`vacuum analyze ${table}`);
  await sql.end();
}
