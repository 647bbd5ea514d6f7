import { caution, compare, comparisonColumns, comparisonCurves, comparisonRows, type Floor } from "../compare.ts";
import { quantile } from "../distribution.ts";
import { milliseconds } from "../figures.ts";
import { startBareServers } from "../load/bare-servers.ts";
import { startLoadClient } from "../load/load-client.ts";
import type { SteadyLoad } from "../load/steady.ts";
import { createLoadMaker, type LoadMaker } from "../load/steady-load.ts";
import { createUnaryClient } from "../load/unary-client.ts";
import type { Bench, Findings, Measurement, Row } from "../measurement.ts";
import { emptyPath, getTokenPath, getTokenRequest } from "../requests.ts";
import { countStatements } from "../statements.ts";
import {
  postgresSettings,
  readTokens,
  startAuthorizedService,
  startWarmService,
  type WarmService,
} from "../warm-service.ts";

/** In the caller file. */
const callers = 100;

export const warmGrpc: Measurement = {
  name: "warm-grpc",
  title: "Warm GetToken over gRPC, against a bare grpc-js server and an empty RPC on the same server",
  async run(bench) {
    const database = "bench_warm_grpc";
    const warm = await startWarmService(bench, await postgresSettings(bench, database));
    return measure(bench, database, warm, { bare: 0.85, empty: 0.8 });
  },
};

export const warmAuthorized: Measurement = {
  name: "warm-authorized",
  title: `The same with an API key and a caller file of ${callers} callers, against the same two, which ask for none`,
  async run(bench) {
    const database = "bench_warm_authorized";
    const warm = await startAuthorizedService(bench, await postgresSettings(bench, database), callers);
    return measure(bench, database, warm, { bare: 0.8, empty: 0.75 });
  },
};

const countedCalls = 2_000;

async function measure(
  bench: Bench,
  database: string,
  warm: WarmService,
  atLeast: { readonly bare: number; readonly empty: number },
): Promise<Findings> {
  const { plan, cores, closers, postgres } = bench;
  const { service, authorization } = warm;
  const client = startLoadClient(cores.load, closers);
  await readTokens(client, warm, 100);
  const statements = await countStatements(postgres, database, countedCalls, () =>
    readTokens(client, warm, countedCalls),
  );

  const maker = createLoadMaker(bench, closers);
  const body = getTokenRequest(warm.installationId);
  const answer = await createUnaryClient(service.grpcAddress, closers)(getTokenPath, body, authorization);
  const bare = await startBareServers(cores.server, closers, { grpc: answer, http: Buffer.alloc(0) });
  const common = {
    protocol: "grpc" as const,
    address: service.grpcAddress,
    connections: 8,
    streams: 8,
    seconds: plan.runSeconds,
  };
  const getToken = { ...common, path: getTokenPath, body };
  const empty: Floor = {
    label: "empty RPC",
    pid: service.pid,
    load: { ...common, path: emptyPath, body: Buffer.alloc(0) },
    targets: { throughputAtLeast: atLeast.empty, p99AtMost: 1.5 },
  };
  const subject = { label: "GetToken, warm", pid: service.pid, load: { ...getToken, authorization } };
  const comparison = await compare(maker, plan, {
    floors: [
      {
        label: "bare grpc-js",
        pid: bare.pid,
        load: { ...getToken, address: bare.grpcAddress },
        targets: { throughputAtLeast: atLeast.bare },
      },
      empty,
    ],
    subject,
  });
  const [, emptySide] = comparison.floors;
  const atHalf =
    maker.holdsRate && emptySide !== undefined
      ? [await atRate(maker, empty.load, subject.load, emptySide.callsPerSecond / 2)]
      : [];
  return {
    columns: comparisonColumns(comparison),
    rows: [
      ...comparisonRows(comparison),
      ...atHalf,
      {
        cells: ["statements per call", "", "", statements.perCall.toFixed(3), "", ""],
        target: { text: "0", met: statements.perCall === 0 },
      },
      {
        cells: [
          "statements of timers, per second",
          "",
          "",
          (statements.onTimers / statements.seconds).toFixed(1),
          "",
          "",
        ],
      },
    ],
    how: `${maker.description}; 8 connections with 8 calls each under way, ${plan.repetitions} × ${plan.runSeconds} s a side in turn.
The bare server is a process of its own on the same core: grpc-js, and a handler that answers every GetToken with the same bytes as the service.
The empty method (google.protobuf.Empty both ways) is registered on the very gRPC server that serves GetToken, so that both share process and heap.
Statements were counted in the log of Postgres during ${countedCalls} further calls.${caution(comparison)}`,
    curves: comparisonCurves(comparison),
  };
}

/** Below saturation nobody queues: what a caller of a service with room to spare waits. */
async function atRate(
  maker: LoadMaker,
  baseline: SteadyLoad,
  subject: SteadyLoad,
  callsPerSecond: number,
): Promise<Row> {
  const p99 = async (load: SteadyLoad) => quantile((await maker.run({ ...load, callsPerSecond })).latenciesMs, 0.99);
  const [baselineMs, subjectMs] = [await p99(baseline), await p99(subject)];
  const rate = Math.round(callsPerSecond).toLocaleString("en-US");
  return {
    cells: [
      `p99 latency at ${rate} calls per second`,
      "",
      milliseconds(baselineMs),
      milliseconds(subjectMs),
      "",
      (subjectMs / baselineMs).toFixed(2),
    ],
  };
}
