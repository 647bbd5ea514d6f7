import { caution, compare, comparisonColumns, comparisonCurves, comparisonRows } from "../compare.ts";
import { createLoadMaker } from "../load/steady-load.ts";
import type { Bench, Findings, Measurement } from "../measurement.ts";
import { getTokenPath } from "../requests.ts";
import { postgresSettings, startWarmService } from "../warm-service.ts";

export const warmConnect: Measurement = {
  name: "warm-connect",
  title: "Warm GetToken over Connect (JSON, HTTP/1.1), against an empty handler",
  run: measure,
};

async function measure(bench: Bench): Promise<Findings> {
  const { plan } = bench;
  const { service, installationId } = await startWarmService(
    bench,
    await postgresSettings(bench, "bench_warm_connect"),
  );
  const maker = createLoadMaker(bench, bench.closers);
  const common = {
    protocol: "http" as const,
    path: getTokenPath,
    connections: 32,
    streams: 1,
    seconds: plan.runSeconds,
  };
  const comparison = await compare(maker, plan, {
    floors: [
      {
        label: "empty Connect handler",
        pid: service.pid,
        load: { ...common, address: `127.0.0.1:${service.emptyConnectPort}`, body: Buffer.from("{}") },
      },
    ],
    subject: {
      label: "GetToken over Connect, warm",
      pid: service.pid,
      load: {
        ...common,
        address: `127.0.0.1:${service.internalPort}`,
        body: Buffer.from(JSON.stringify({ installationId })),
      },
    },
  });
  return {
    columns: comparisonColumns(comparison),
    rows: comparisonRows(comparison),
    how: `${maker.description}; 32 connections with one call each under way, ${plan.repetitions} × ${plan.runSeconds} s a side in turn.
The empty handler is Connect's own for Node, in a second internal Express app of the same process; it reads {} and answers {}.${caution(comparison)}`,
    curves: comparisonCurves(comparison),
  };
}
