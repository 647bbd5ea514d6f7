import { join } from "node:path";
import { caution, compare, comparisonColumns, comparisonCurves, comparisonRows } from "../compare.ts";
import { createLoadMaker } from "../load/steady-load.ts";
import type { Bench, Findings, Measurement } from "../measurement.ts";
import { emptyPath, getTokenPath, getTokenRequest } from "../requests.ts";
import { startWarmService } from "../warm-service.ts";

export const warmEmbedded: Measurement = {
  name: "warm-embedded",
  title: "Warm GetToken over gRPC on the embedded database",
  run: measure,
};

async function measure(bench: Bench): Promise<Findings> {
  const { plan, directory } = bench;
  const warm = await startWarmService(bench, { DATA_DIR: join(directory, "data") });
  const maker = createLoadMaker(bench, bench.closers);
  const common = {
    protocol: "grpc" as const,
    address: warm.service.grpcAddress,
    connections: 8,
    streams: 8,
    seconds: plan.runSeconds,
  };
  const { pid } = warm.service;
  const body = getTokenRequest(warm.installationId);
  const comparison = await compare(maker, plan, {
    floors: [{ label: "empty RPC, embedded", pid, load: { ...common, path: emptyPath, body: Buffer.alloc(0) } }],
    subject: { label: "GetToken, warm, embedded", pid, load: { ...common, path: getTokenPath, body } },
  });
  return {
    columns: comparisonColumns(comparison),
    rows: comparisonRows(comparison),
    how: `As over gRPC with Postgres; the database is PGlite, in the same process as the service.${caution(comparison)}`,
    curves: comparisonCurves(comparison).slice(1),
  };
}
