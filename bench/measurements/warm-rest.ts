import { caution, compare, comparisonColumns, comparisonCurves, comparisonRows } from "../compare.ts";
import { startBareServers } from "../load/bare-servers.ts";
import { createLoadMaker } from "../load/steady-load.ts";
import type { Bench, Findings, Measurement } from "../measurement.ts";
import { postgresSettings, startWarmService } from "../warm-service.ts";

export const warmRest: Measurement = {
  name: "warm-rest",
  title: "Warm GET /oauth/token/{platform}, against plain node:http and a route of Express",
  run: measure,
};

async function measure(bench: Bench): Promise<Findings> {
  const { plan, cores, closers } = bench;
  const settings = await postgresSettings(bench, "bench_warm_rest");
  const { service, installationId } = await startWarmService(bench, settings);
  const address = `127.0.0.1:${service.internalPort}`;
  const path = `/oauth/token/slack?installation_id=${installationId}`;
  const answer = await fetch(`http://${address}${path}`);
  if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}`);
  const http = Buffer.from(await answer.arrayBuffer());
  const bare = await startBareServers(cores.server, closers, { grpc: Buffer.alloc(0), http });
  const maker = createLoadMaker(bench, closers);
  const common = {
    protocol: "http" as const,
    body: undefined,
    connections: 32,
    streams: 1,
    seconds: plan.runSeconds,
  };
  const comparison = await compare(maker, plan, {
    floors: [
      {
        label: "plain node:http",
        pid: bare.pid,
        load: { ...common, address: bare.httpAddress, path },
        targets: { throughputAtLeast: 0.22 },
      },
      { label: "Express", pid: bare.pid, load: { ...common, address: bare.expressAddress, path: "/ok" } },
    ],
    subject: { label: "GET /oauth/token, warm", pid: service.pid, load: { ...common, address, path } },
  });
  return {
    columns: comparisonColumns(comparison),
    rows: comparisonRows(comparison),
    how: `${maker.description}; 32 connections with one call each under way, ${plan.repetitions} × ${plan.runSeconds} s a side in turn.
The floors share a process of their own on the same core: node:http answers the same bytes as the service and nothing else, the route of an Express app as it comes says ok.${caution(comparison)}`,
    curves: comparisonCurves(comparison),
  };
}
