import { loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { quantile } from "../distribution.ts";
import { count, figure, megabytes, milliseconds } from "../figures.ts";
import { holdIdle, openFilesLimit, startAttackers } from "../load/attack.ts";
import { type PacedReport, startPacedClient } from "../load/paced-client.ts";
import type { Bench, Findings, Measurement, Row } from "../measurement.ts";
import { processorSeconds, residentBytes } from "../process-usage.ts";
import { getTokenPath, getTokenRequest } from "../requests.ts";
import type { Service } from "../service.ts";
import { postgresSettings, startWarmService } from "../warm-service.ts";

export const hostile: Measurement = {
  name: "hostile",
  title: "A good client beside rapid resets, and beside idle connections",
  run: measure,
};

const callsPerSecond = 100;
const attackers = 4;
const targetMs = 100;
/** Of the files a process may open, those that are no idle connections. */
const otherFiles = 500;

async function measure(bench: Bench): Promise<Findings> {
  const { plan, cores, closers } = bench;
  const seconds = plan.quick ? 1 : 6;
  const { service, installationId } = await startWarmService(bench, await postgresSettings(bench, "bench_hostile"));
  const address = service.grpcAddress;
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  const paced = startPacedClient(cores.load, closers);
  const body = getTokenRequest(installationId);
  const ask = () => paced({ address, path: getTokenPath, body, callsPerSecond, seconds });

  await ask();
  const alone = await ask();
  const attack = startAttackers(cores.load, closers);
  const spent = async () => (await processorSeconds(service.pid)) ?? Number.NaN;
  const spentBefore = await spent();
  const attacking = attack({ port, path: getTokenPath, connections: attackers, seconds: seconds + 1 });
  const [attacked, sent] = await Promise.all([ask(), attacking]);
  const perConnection = ((await spent()) - spentBefore) / sent.connections;
  const after = await ask();

  const before = await resident(service);
  const wanted = plan.quick ? 1_000 : 9_000;
  const idle = await holdIdle(cores.load, closers, {
    port,
    connections: Math.min(wanted, openFilesLimit() - otherFiles),
  });
  const held = await resident(service);
  const beside = await ask();

  const load = loadavg().map((value) => value.toFixed(1));
  return {
    columns: ["", "alone", `${attackers} attackers`, "after them", `${count(idle)} idle connections`],
    rows: [
      row("p50", 0.5, [alone, attacked, after, beside]),
      {
        ...row("p99", 0.99, [alone, attacked, after, beside]),
        target: { text: `≤ ${targetMs} ms beside the attackers`, met: at(attacked, 0.99) <= targetMs },
      },
      row("max", 1, [alone, attacked, after, beside]),
      { cells: ["failed calls", ...[alone, attacked, after, beside].map(failures)] },
      {
        cells: [
          "streams they sent per second, most of them to nobody",
          "",
          count(sent.streams / (seconds + 1)),
          "",
          "",
        ],
      },
      { cells: ["connections the attackers needed", "", count(sent.connections), "", ""] },
      {
        cells: ["processor time of the service for each of those", "", milliseconds(perConnection * 1000), "", ""],
      },
      { cells: ["resident", megabytes(before), "", "", `+ ${megabytes(held - before)}`] },
      { cells: ["resident, each connection", "", "", "", `${figure((held - before) / idle / 1000)} kB`] },
    ],
    how: `A grpc-js client asks for a warm token ${callsPerSecond} times a second for ${seconds} s, and does not wait for one answer before it asks again. Attackers send HEADERS and RST_STREAM as fast as their connection takes them, and connect again when it is cut; they have the lowest priority on the core that they share with the good client. Each connection that the service cuts is one more that they need; what was still on its way then is read by nobody. Idle connections have sent the preface and SETTINGS and are asked for nothing more. Resident size after a full garbage collection. Load average of the machine at the end: ${load.join(", ")}.`,
  };
}

function row(name: string, share: number, reports: readonly PacedReport[]): Row {
  return { cells: [name, ...reports.map((report) => milliseconds(at(report, share)))] };
}

function at({ latenciesMs }: PacedReport, share: number): number {
  return quantile(latenciesMs.toSorted(), share);
}

function failures({ failed, firstFailure, latenciesMs }: PacedReport): string {
  return failed === 0 ? `0 of ${latenciesMs.length}` : `${failed} of ${latenciesMs.length}: ${firstFailure}`;
}

/** In bytes, after everything that nobody needs was collected. */
async function resident(service: Service): Promise<number> {
  await delay(1_500);
  const line = service.line("bench.memory");
  service.signal("SIGUSR2");
  const { rss } = await line;
  return (await residentBytes(service.pid)) ?? Number(rss);
}
