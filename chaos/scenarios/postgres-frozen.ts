import { setTimeout as delay } from "node:timers/promises";
import { probeDatabase, reachedAfter } from "../database-probe.ts";
import { type HealthWatch, watchHealth } from "../health-watch.ts";
import { startLoad } from "../load.ts";
import { proveGrants } from "../prove-grants.ts";
import { firstTokenAfter } from "../recovery.ts";
import { observed, type Row } from "../row.ts";
import type { Scenario } from "../scenario.ts";
import { openStage } from "../stage.ts";

const replicas = 2;
const targets = { notServing: 3, recover: 1, withoutDatabase: 2.2, refusalMs: 1_700 };

/**
 * Postgres stands still, connections stay open: only deadlines of our own end a wait. Recovered: every replica has
 * given a token again.
 */
export const postgresFrozen: Scenario = {
  name: "postgres-frozen",
  async run({ postgres, database, closers, random, quick }) {
    const stage = await openStage({
      postgres,
      database,
      closers,
      replicas,
      grants: { jira: 24, githubOauth: 12 },
      tokenSeconds: 24,
    });
    const health = stage.replicas.map((replica) => watchHealth(replica.grpcPort));
    closers.add("health watches", () => health.forEach((watch) => void watch.close()));
    const load = startLoad({ clients: stage.clients, grants: stage.grants, random, pauseMs: 200 });
    const probe = probeDatabase(stage.clients);
    // Until the first refreshes are due, so that some are under way when it freezes.
    await delay(9_000);
    const frozenAt = performance.now();
    postgres.freeze();
    await delay(quick ? 6_000 : 10_000);
    postgres.thaw();
    const thawedAt = performance.now();
    await delay(5_000);
    await load.stop();
    await probe.stop();
    const lost = await proveGrants(stage);

    const during = (at: number) => at > frozenAt && at < thawedAt;
    const served = load.asks.filter((ask) => ask.failure === undefined && during(ask.at));
    const lastServed = served.reduce((latest, ask) => Math.max(latest, ask.at), frozenAt);
    const withoutDatabase = (lastServed - frozenAt) / 1000;
    const notServing = slowest(health, false, frozenAt);
    const servingAgain = slowest(health, true, thawedAt);
    const recover = firstTokenAfter(load.asks, thawedAt, replicas) ?? Number.POSITIVE_INFINITY;
    const reached = reachedAfter(probe.probes, thawedAt, replicas) ?? Number.POSITIVE_INFINITY;
    const refusals = load.asks.filter((ask) => ask.failure !== undefined && during(ask.at));
    const longestRefusal = refusals.reduce((longest, ask) => Math.max(longest, ask.ms), 0);

    return (["jira", "github-oauth"] as const).map((platform): Row => {
      const mine = lost.filter(({ grant }) => grant.platform === platform);
      const misses: string[] = [];
      const atMost = (value: number, limit: number, what: string) => {
        if (!(value <= limit)) misses.push(`${what}: ${value.toFixed(2)}, ${limit} allowed`);
      };
      atMost(notServing, targets.notServing, "seconds to NOT_SERVING");
      atMost(recover, targets.recover, "seconds from SIGCONT to a token from every replica");
      atMost(servingAgain, targets.recover, "seconds from SIGCONT to SERVING");
      atMost(withoutDatabase, targets.withoutDatabase, "seconds of answers without the database");
      atMost(longestRefusal, targets.refusalMs, "ms until a refusal");
      atMost(mine.length, 0, "grants lost");
      return {
        fault: `Postgres frozen ${((thawedAt - frozenAt) / 1000).toFixed(0)} s`,
        ...observed(platform, load.asks, stage.traffic[platform]),
        lost: mine.length,
        recoverSeconds: recover,
        facts: [
          `answers went on without the database for ${withoutDatabase.toFixed(2)} s; NOT_SERVING after ${notServing.toFixed(2)} s`,
          `SERVING ${servingAgain.toFixed(2)} s after SIGCONT; the database reached through every replica after ${reached.toFixed(2)} s`,
          `refusals took ${longestRefusal.toFixed(0)} ms at most`,
        ],
        misses,
      };
    });
  },
};

/** Seconds from `from` until the last of the replicas said so; infinite if one never did. */
function slowest(watches: readonly HealthWatch[], serving: boolean, from: number): number {
  const found = watches.map(
    ({ changes }) => changes.find((change) => change.at >= from && change.serving === serving)?.at ?? Infinity,
  );
  return (Math.max(...found) - from) / 1000;
}
