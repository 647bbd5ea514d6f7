import { type ClientHttp2Session, connect } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { count, megabytes } from "../figures.ts";
import { startLoadClient } from "../load/load-client.ts";
import type { Bench, Findings, Measurement, Row } from "../measurement.ts";
import { residentBytes } from "../process-usage.ts";
import { getTokenPath, getTokenRequest } from "../requests.ts";
import { seedTokens, tokenLength } from "../seed-tokens.ts";
import { type Service, startPlatforms, startService } from "../service.ts";
import { postgresSettings } from "../warm-service.ts";

export const memory: Measurement = {
  name: "memory",
  title: "Memory of the service's process",
  run: measure,
};

const database = "bench_memory";

async function measure(bench: Bench): Promise<Findings> {
  const { plan, cores, closers, postgres } = bench;
  const settings = await postgresSettings(bench, database);
  // The first half takes what memory the process has free.
  const ids = await seedTokens(postgres.urlOf(database), 2 * plan.cachedTokens);
  const sandbox = await startPlatforms(closers);
  const env = { ...sandbox.environment, ...settings };
  const service = await startService(closers, { core: cores.server, env, withEmptyMethods: true });
  const started = await usage(service);
  const client = startLoadClient(cores.load, closers);
  const read = (some: readonly string[]) =>
    client.run({
      protocol: "grpc",
      addresses: [service.grpcAddress],
      connections: 4,
      path: getTokenPath,
      bodies: some.map(getTokenRequest),
      inFlight: 64,
      stop: { kind: "calls", calls: some.length },
    });

  await read(ids.slice(0, plan.cachedTokens));
  const working = await usage(service);
  await read(ids.slice(plan.cachedTokens));
  const cached = await usage(service);
  const first = await openSessions(service.grpcAddress, plan.idleConnections);
  const some = await usage(service);
  const second = await openSessions(service.grpcAddress, plan.idleConnections);
  const more = await usage(service);
  for (const session of [...first, ...second]) session.destroy();
  return {
    columns: ["", "resident", "JavaScript heap", "each"],
    rows: [
      { cells: ["after start", megabytes(started.resident), megabytes(started.heap), ""] },
      growth(`${count(plan.cachedTokens)} more cached tokens`, working, cached, plan.cachedTokens),
      growth(`${count(plan.idleConnections)} more idle HTTP/2 connections`, some, more, plan.idleConnections),
    ],
    how: `Resident size from /proc after a full garbage collection; the heap as V8 counts it. Before each growth there had been as much of the same, so that memory the process had free already does not hide it. A cached token comes with what the service remembers of its hand-out. Tokens have ${tokenLength} characters, as Slack's.`,
  };
}

interface Usage {
  readonly resident: number;
  readonly heap: number;
}

/** After the counts of hand-outs were flushed, and everything that nobody needs was collected. */
async function usage(service: Service): Promise<Usage> {
  await delay(1_500);
  const line = service.line("bench.memory");
  service.signal("SIGUSR2");
  const { heapUsed, rss } = await line;
  return { resident: (await residentBytes(service.pid)) ?? Number(rss), heap: Number(heapUsed) };
}

function growth(name: string, before: Usage, after: Usage, number: number): Row {
  const resident = after.resident - before.resident;
  const each = `${(resident / number / 1000).toFixed(1)} kB`;
  return { cells: [name, `+ ${megabytes(resident)}`, `+ ${megabytes(after.heap - before.heap)}`, each] };
}

async function openSessions(address: string, number: number): Promise<readonly ClientHttp2Session[]> {
  const sessions: ClientHttp2Session[] = [];
  for (let i = 0; i < number; i++) {
    const session = connect(`http://${address}`);
    session.on("error", () => undefined);
    sessions.push(session);
    if (i % 50 === 49) await Promise.all(sessions.slice(-50).map(ready));
  }
  return sessions;
}

function ready(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!session.pendingSettingsAck) return resolve();
    session.once("localSettings", () => resolve());
    session.once("close", () => reject(new Error("the service closed an idle connection")));
  });
}
