import { TokenService } from "../gen/oauth/token/v1/token_service_pb.js";
import type { RpcClient } from "../rig/rpc-client.ts";

/** One call that no cache can answer. */
export interface Probe {
  readonly replica: number;
  readonly at: number;
  readonly ms: number;
  readonly failure: string | undefined;
}

export interface DatabaseProbe {
  readonly probes: readonly Probe[];
  stop(): Promise<void>;
}

const everyMs = 50;
const deadlineMs = 3_000;

/** Lists one installation at every replica twenty times a second, whatever became of the calls before. */
export function probeDatabase(clients: readonly RpcClient[]): DatabaseProbe {
  const probes: Probe[] = [];
  const running = new Set<Promise<void>>();

  async function probe(client: RpcClient, replica: number): Promise<void> {
    const outcome = await client.call(TokenService.method.listInstallations, { pageSize: 1 }, deadlineMs);
    const failure =
      outcome.kind === "answered" ? undefined : outcome.kind === "refused" ? outcome.reason : "no replica";
    probes.push({ replica, at: performance.now(), ms: outcome.ms, failure });
  }

  const timer = setInterval(() => {
    for (const [replica, client] of clients.entries()) {
      const work = probe(client, replica);
      running.add(work);
      work.finally(() => running.delete(work));
    }
  }, everyMs);

  return {
    probes,
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}

/** Seconds from `end` until the database was reached through every replica; undefined if it never was. */
export function reachedAfter(probes: readonly Probe[], end: number, replicas: number): number | undefined {
  let latest = end;
  for (let replica = 0; replica < replicas; replica++) {
    const first = probes.find((probe) => probe.replica === replica && probe.failure === undefined && probe.at >= end);
    if (first === undefined) return undefined;
    latest = Math.max(latest, first.at);
  }
  return (latest - end) / 1000;
}
