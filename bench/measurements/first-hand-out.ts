import postgres from "postgres";
import { median, quantile } from "../distribution.ts";
import { figure, milliseconds } from "../figures.ts";
import { startDatabaseClient } from "../load/database-client.ts";
import { type LoadClient, startLoadClient } from "../load/load-client.ts";
import { type LoadReport, rateOf } from "../load/order.ts";
import type { Bench, Findings, Measurement } from "../measurement.ts";
import { getTokenPath, getTokenRequest } from "../requests.ts";
import { seedTokens } from "../seed-tokens.ts";
import { startPlatforms, startService } from "../service.ts";
import { countStatements } from "../statements.ts";
import { postgresSettings } from "../warm-service.ts";

export const firstHandOut: Measurement = {
  name: "first-hand-out",
  title: "First hand-out of a token, with its audit row on disk",
  run: measure,
};

const database = "bench_first_hand_out";
const alone = { count: 200, inFlight: 1 };
const together = { count: 2_000, inFlight: 50 };
/** Until both have been compiled: a run lasts half a second. */
const warmUp = { count: 6_000, inFlight: 50 };
/** GetToken beside one insert, with as many of each under way. */
const atLeast = 0.35;

async function measure(bench: Bench): Promise<Findings> {
  const { plan, cores, closers, postgres: server } = bench;
  const settings = await postgresSettings(bench, database);
  const runs = Array.from({ length: plan.repetitions }, () => [alone, together]).flat();
  const counted = 400;
  const url = server.urlOf(database);
  const ids = [...(await seedTokens(url, counted + [warmUp, ...runs].reduce((sum, { count }) => sum + count, 0)))];
  await makeTable(url);
  const sandbox = await startPlatforms(closers);
  const service = await startService(closers, { core: cores.server, env: { ...sandbox.environment, ...settings } });
  const client = startLoadClient(cores.load, closers);
  const direct = startDatabaseClient(cores.server, closers);
  const handOut = ({ count, inFlight }: typeof alone) =>
    run(client, service.grpcAddress, ids.splice(0, count), inFlight);

  await handOut({ count: counted / 2, inFlight: 1 });
  const statements = await countStatements(server, database, counted / 2, () =>
    handOut({ count: counted / 2, inFlight: 1 }),
  );
  const insert = ({ inFlight }: Pick<typeof alone, "inFlight">) =>
    direct.run({ url, statement, keys: ["an audit row"], inFlight, seconds: plan.runSeconds / 2 });
  await handOut(warmUp);
  await insert(warmUp);
  const single: LoadReport[] = [];
  const many: LoadReport[] = [];
  const commits: LoadReport[] = [];
  const manyCommits: LoadReport[] = [];
  for (let i = 0; i < plan.repetitions; i++) {
    commits.push(await insert(alone));
    single.push(await handOut(alone));
    manyCommits.push(await insert(together));
    many.push(await handOut(together));
  }
  const sides = [commits, single, manyCommits, many];
  const latency = (share: number) => sides.map((reports) => milliseconds(typical(reports, share)));
  const ratio = median(many.map((run, i) => rateOf(run) / rateOf(manyCommits[i] ?? run)));
  const at = (name: string, { inFlight }: typeof alone) => `${name}, ${inFlight} at a time`;
  return {
    columns: [
      "",
      ...[alone, together].flatMap((load) => [at("one insert by postgres.js", load), at("GetToken", load)]),
      "ratio of the last two",
    ],
    rows: [
      { cells: ["median latency", ...latency(0.5), ""] },
      { cells: ["p99 latency", ...latency(0.99), ""] },
      {
        cells: ["per second", ...sides.map((reports) => figure(median(reports.map(rateOf)))), ratio.toFixed(2)],
        target: { text: `≥ ${atLeast.toFixed(2)}`, met: ratio >= atLeast },
      },
      {
        cells: ["statements per call", "1", statements.perCall.toFixed(3), "1", "shared", ""],
        target: { text: "2: look-up, audit", met: statements.perCall <= 2.001 },
      },
    ],
    how: `Every token was asked for once: found in the database, opened, and its audit row committed and flushed to the disk before the answer.
Those that arrive together share a commit. Beside it an insert of one row with its commit, by postgres.js (10 connections at most, as the service has) on the core of the server. Before it ${warmUp.count} others, since a run is short.`,
    curves: [{ label: "GetToken, first hand-out", latenciesMs: merge(single) }],
  };
}

function run(client: LoadClient, address: string, ids: readonly string[], inFlight: number): Promise<LoadReport> {
  return client.run({
    protocol: "grpc",
    addresses: [address],
    connections: Math.min(inFlight, 4),
    path: getTokenPath,
    bodies: ids.map(getTokenRequest),
    inFlight,
    stop: { kind: "calls", calls: ids.length },
  });
}

function typical(reports: readonly LoadReport[], share: number): number {
  return median(reports.map((report) => quantile(report.latenciesMs.toSorted(), share)));
}

function merge(reports: readonly LoadReport[]): Float64Array {
  return Float64Array.from(reports.flatMap((report) => [...report.latenciesMs])).sort();
}

const statement = "insert into bench_log (line) values ($1)";

async function makeTable(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  await sql.unsafe("create table bench_log (n bigserial primary key, line text not null)");
  await sql.end();
}
