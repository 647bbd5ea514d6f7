import { setTimeout as delay } from "node:timers/promises";
import type { SeededRandom } from "../rig/seeded-random.ts";
import type { Kill } from "./platform-traffic.ts";
import type { Replica } from "./replica.ts";

/** One `kill -9` that the seed decided on. */
export interface PlannedKill {
  readonly replica: number;
  /** After the kill before it. */
  readonly pauseMs: number;
  /** How far into a refresh of that replica. */
  readonly intoCallMs: number;
}

export interface KillReport {
  readonly kills: readonly Kill[];
  /** Kills that hit a replica over a refresh. */
  readonly overRefresh: number;
  /** How long a replica took to serve again, on average. */
  readonly startSeconds: number;
}

/** A replica without a refresh is killed all the same after this. */
const patienceMs = 1_500;
/** A refresh takes about so long, see the ways to the platforms. */
const callMs = 150;

export function planKills(count: number, replicas: number, random: SeededRandom): readonly PlannedKill[] {
  return Array.from({ length: count }, () => ({
    replica: random.below(replicas),
    pauseMs: random.between(150, 500),
    intoCallMs: random.between(0, callMs),
  }));
}

/**
 * Kills as planned, and starts what was killed again at once. Ends early after `limitSeconds`, since a busy machine may
 * take long to start a process. Resolves when all replicas serve again.
 */
export async function killReplicas(
  replicas: readonly Replica[],
  plan: readonly PlannedKill[],
  options: { readonly limitSeconds: number; say(text: string): void },
): Promise<KillReport> {
  const giveUpAt = performance.now() + options.limitSeconds * 1000;
  const starts = new Map<Replica, Promise<void>>();
  const startMs: number[] = [];
  const kills: Kill[] = [];
  let overRefresh = 0;
  for (const planned of plan) {
    if (performance.now() > giveUpAt) break;
    await delay(planned.pauseMs);
    const replica = replicas[planned.replica];
    if (replica === undefined) continue;
    await starts.get(replica);
    await untilAnotherServes(replicas, replica);
    await untilRefreshing(replica);
    await delay(planned.intoCallMs);
    if (replica.isRefreshing()) overRefresh++;
    await replica.kill();
    const killedAt = performance.now();
    kills.push({ replica: planned.replica, at: killedAt });
    starts.set(
      replica,
      replica.start().then(() => void startMs.push(performance.now() - killedAt)),
    );
    if (kills.length % 20 === 0) options.say(`${kills.length} of ${plan.length} kills`);
  }
  await Promise.all(starts.values());
  const startSeconds = startMs.reduce((sum, ms) => sum + ms, 0) / startMs.length / 1000;
  return { kills, overRefresh, startSeconds };
}

/** What callers see with nobody to ask says nothing about the service. */
async function untilAnotherServes(replicas: readonly Replica[], chosen: Replica): Promise<void> {
  while (!replicas.some((other) => other !== chosen && other.process !== undefined)) await delay(10);
}

async function untilRefreshing(replica: Replica): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (!replica.isRefreshing() && performance.now() < giveUpAt) await delay(2);
}
