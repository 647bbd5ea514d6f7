import { setTimeout as delay } from "node:timers/promises";
import type { Replica } from "./replica.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** One `kill -9` that the seed decided on. */
export interface PlannedKill {
  readonly replica: number;
  /** After the kill before it. */
  readonly pauseMs: number;
  /** How far into a refresh of that replica. */
  readonly intoCallMs: number;
}

export interface KillReport {
  readonly kills: number;
  /** Kills that hit a replica over a refresh. */
  readonly overRefresh: number;
  /** Refreshes that lost their replica. */
  readonly cut: number;
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

/** Kills as planned, and starts what was killed again at once. Resolves when all replicas serve again. */
export async function killReplicas(
  replicas: readonly Replica[],
  plan: readonly PlannedKill[],
  say: (text: string) => void,
): Promise<KillReport> {
  const starts = new Map<Replica, Promise<void>>();
  let overRefresh = 0;
  let cut = 0;
  for (const [index, planned] of plan.entries()) {
    await delay(planned.pauseMs);
    const replica = replicas[planned.replica];
    if (replica === undefined) continue;
    await starts.get(replica);
    await untilAnotherServes(replicas, replica);
    await untilRefreshing(replica);
    await delay(planned.intoCallMs);
    const refreshing = replica.refreshing();
    if (refreshing > 0) overRefresh++;
    cut += refreshing;
    await replica.kill();
    starts.set(replica, replica.start());
    if ((index + 1) % 20 === 0) say(`${index + 1} of ${plan.length} kills`);
  }
  await Promise.all(starts.values());
  return { kills: plan.length, overRefresh, cut };
}

/** What callers see with nobody to ask says nothing about the service. */
async function untilAnotherServes(replicas: readonly Replica[], chosen: Replica): Promise<void> {
  while (!replicas.some((other) => other !== chosen && other.process !== undefined)) await delay(10);
}

async function untilRefreshing(replica: Replica): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (replica.refreshing() === 0 && performance.now() < giveUpAt) await delay(2);
}
