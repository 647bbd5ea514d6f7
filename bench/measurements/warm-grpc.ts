import { caution, compare, comparisonColumns, comparisonCurves, comparisonRows } from "../compare.ts";
import { quantile } from "../distribution.ts";
import { milliseconds } from "../figures.ts";
import { startLoadClient } from "../load/load-client.ts";
import type { SteadyLoad } from "../load/steady.ts";
import { createLoadMaker, type LoadMaker } from "../load/steady-load.ts";
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
  title: "Warm GetToken over gRPC, against an empty RPC on the same server",
  async run(bench) {
    const database = "bench_warm_grpc";
    const warm = await startWarmService(bench, await postgresSettings(bench, database));
    return measure(bench, database, warm, 0.8);
  },
};

export const warmAuthorized: Measurement = {
  name: "warm-authorized",
  title: `The same with an API key and a caller file of ${callers} callers, against the empty RPC, which asks for none`,
  async run(bench) {
    const database = "bench_warm_authorized";
    const warm = await startAuthorizedService(bench, await postgresSettings(bench, database), callers);
    return measure(bench, database, warm, 0.75);
  },
};

const countedCalls = 2_000;

async function measure(bench: Bench, database: string, warm: WarmService, atLeast: number): Promise<Findings> {
  const { plan, cores, closers, postgres } = bench;
  const client = startLoadClient(cores.load, closers);
  await readTokens(client, warm, 100);
  const statements = await countStatements(postgres, database, countedCalls, () =>
    readTokens(client, warm, countedCalls),
  );

  const maker = createLoadMaker(bench, closers);
  const common = {
    protocol: "grpc" as const,
    address: warm.service.grpcAddress,
    connections: 8,
    streams: 8,
    seconds: plan.runSeconds,
  };
  const loads = {
    baseline: { ...common, path: emptyPath, body: Buffer.alloc(0) },
    subject: {
      ...common,
      path: getTokenPath,
      body: getTokenRequest(warm.installationId),
      authorization: warm.authorization,
    },
  };
  const comparison = await compare(maker, plan, warm.service.pid, loads);
  const labels = { baseline: "empty RPC", subject: "GetToken, warm" };
  const atHalf = maker.holdsRate ? [await atRate(maker, loads, comparison.baseline.callsPerSecond / 2)] : [];
  return {
    columns: comparisonColumns(labels.baseline, labels.subject),
    rows: [
      ...comparisonRows(comparison, { throughputAtLeast: atLeast, p99AtMost: 1.5 }),
      ...atHalf,
      {
        cells: ["statements per call", "", statements.perCall.toFixed(3), ""],
        target: { text: "0", met: statements.perCall === 0 },
      },
      { cells: ["statements of timers, per second", "", (statements.onTimers / statements.seconds).toFixed(1), ""] },
    ],
    how: `${maker.description}; 8 connections with 8 calls each under way, ${plan.repetitions} × ${plan.runSeconds} s a side in turn.
The empty method (google.protobuf.Empty both ways) is registered on the very gRPC server that serves GetToken, so that both share process and heap.
Statements were counted in the log of Postgres during ${countedCalls} further calls.${caution(comparison)}`,
    curves: comparisonCurves(comparison, labels),
  };
}

/** Below saturation nobody queues: what a caller of a service with room to spare waits. */
async function atRate(
  maker: LoadMaker,
  loads: { readonly baseline: SteadyLoad; readonly subject: SteadyLoad },
  callsPerSecond: number,
): Promise<Row> {
  const p99 = async (load: SteadyLoad) => quantile((await maker.run({ ...load, callsPerSecond })).latenciesMs, 0.99);
  const baseline = await p99(loads.baseline);
  const subject = await p99(loads.subject);
  const rate = Math.round(callsPerSecond).toLocaleString("en-US");
  return {
    cells: [
      `p99 latency at ${rate} calls per second`,
      milliseconds(baseline),
      milliseconds(subject),
      (subject / baseline).toFixed(2),
    ],
  };
}
