import postgres from "postgres";
import { median, quantile } from "../distribution.ts";
import { figure, milliseconds } from "../figures.ts";
import { type DatabaseClient, startDatabaseClient } from "../load/database-client.ts";
import { type LoadClient, startLoadClient } from "../load/load-client.ts";
import type { LoadReport } from "../load/order.ts";
import { runPgbench } from "../load/pgbench.ts";
import type { Bench, Findings, Measurement } from "../measurement.ts";
import { getTokenPath, getTokenRequest } from "../requests.ts";
import { seedTokens } from "../seed-tokens.ts";
import { startPlatforms, startService } from "../service.ts";
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

  const alone = await alternate(bench, client, direct, { address: service.grpcAddress, ids, url, inFlight: 1 });
  const busy = await alternate(bench, client, direct, { address: service.grpcAddress, ids, url, inFlight });
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
      },
      { cells: ["median latency, one under way", ...latency(alone, 0.5), ""] },
      { cells: ["p99 latency, one under way", ...latency(alone, 0.99), ""] },
      {
        cells: ["statements per call", "1", statements.perCall.toFixed(3), "", ""],
        target: { text: "1", met: statements.perCall <= 1.001 },
      },
    ],
    how: `${tokens} tokens asked for in turn by grpc-js with CACHE_MAX_ENTRIES=1, each handed out before, so that what is left is the look-up and opening the token.
Beside it, in turn: one process with postgres.js (prepared, ${inFlight} connections) on the core of the server, reading one row by primary key. Latencies of GetToken contain the grpc-js client's own.`,
  };
}

interface Pair {
  readonly direct: readonly LoadReport[];
  readonly getToken: readonly LoadReport[];
}

async function alternate(
  { plan }: Bench,
  client: LoadClient,
  direct: DatabaseClient,
  of: { readonly address: string; readonly ids: readonly string[]; readonly url: string; readonly inFlight: number },
): Promise<Pair> {
  const pair = { direct: [] as LoadReport[], getToken: [] as LoadReport[] };
  const seconds = plan.runSeconds / 2;
  for (let i = 0; i < plan.repetitions; i++) {
    pair.direct.push(await direct({ url: of.url, statement, keys, inFlight: of.inFlight, seconds }));
    pair.getToken.push(await client.run({ ...orderOf(of.address, of.ids, of.inFlight), ...forSeconds(seconds) }));
  }
  return pair;
}

function perSecond({ direct, getToken }: Pair): string[] {
  const rate = (reports: readonly LoadReport[]) => median(reports.map((run) => run.latenciesMs.length / run.seconds));
  return [figure(rate(direct)), figure(rate(getToken)), (rate(getToken) / rate(direct)).toFixed(2)];
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
