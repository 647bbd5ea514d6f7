import { median, quantile } from "../distribution.ts";
import { figure, milliseconds } from "../figures.ts";
import { runPackageClient } from "../load/package-client.ts";
import type { Bench, Findings, Measurement, Row } from "../measurement.ts";
import { postgresSettings, startWarmService } from "../warm-service.ts";

export const clientPackage: Measurement = {
  name: "client",
  title: "The client package: a token from the service, against a raw grpc-js call; and from its memory",
  run: measure,
};

/** Of the package beside grpc-js. */
const medianAtMost = 1.5;

async function measure(bench: Bench): Promise<Findings> {
  const { plan, cores, closers } = bench;
  const { service, installationId } = await startWarmService(bench, await postgresSettings(bench, "bench_client"));
  const report = await runPackageClient(cores.load, closers, {
    address: service.grpcAddress,
    installationId,
    seconds: plan.runSeconds / 2,
    repetitions: plan.repetitions,
  });
  const latency = (label: string, share: number): Row & { readonly ratio: number } => {
    const of = (runs: readonly Float64Array[]) => runs.map((run) => quantile(run, share));
    const [raw, ours] = [of(report.viaGrpc), of(report.viaPackage)];
    const ratio = median(ours.map((ms, n) => ms / (raw[n] ?? ms)));
    return { cells: [label, milliseconds(median(raw)), milliseconds(median(ours)), ratio.toFixed(2)], ratio };
  };
  const half = latency("median latency, one under way", 0.5);
  return {
    columns: ["", "grpc-js", "client package", "ratio"],
    rows: [
      { ...half, target: { text: `≤ ${medianAtMost.toFixed(2)}`, met: half.ratio <= medianAtMost } },
      latency("p99 latency, one under way", 0.99),
      { cells: ["reads of a remembered token per second", "", figure(median(report.readsPerSecond)), ""] },
    ],
    how: `One process on the core of the load, one call after the other, of both in turn, ${plan.repetitions} × ${plan.runSeconds} s; memory is read in between. Both sides ask with another min_ttl each time, so that the package finds nothing in memory, encode the request and decode the answer.
The reads from memory make a copy each, as every caller gets one.`,
  };
}
