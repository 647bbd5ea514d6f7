import { setTimeout as delay } from "node:timers/promises";
import { killReplicas, planKills } from "../kill-replicas.ts";
import { startLoad } from "../load.ts";
import { repeatsOf } from "../platform-traffic.ts";
import { proveGrants } from "../prove-grants.ts";
import { lastFailureAfter } from "../recovery.ts";
import { observed, type Row } from "../row.ts";
import type { Scenario } from "../scenario.ts";
import { openStage } from "../stage.ts";

const replicas = 3;

/**
 * `kill -9` of replicas in the middle of refreshes, at platforms where a spent refresh token works for a while. Tokens
 * live for a few seconds, so that there is always a refresh to hit; that is shorter than the lease of a dead holder, so
 * some calls must fail. Recovered: no call fails any more.
 */
export const killLeeway: Scenario = {
  name: "kill-leeway",
  async run({ postgres, database, closers, random, quick, say }) {
    const stage = await openStage({
      postgres,
      database,
      closers,
      replicas,
      grants: quick ? { jira: 20, slack: true } : { jira: 45, slack: true },
      tokenSeconds: 8,
    });
    const load = startLoad({ clients: stage.clients, grants: stage.grants, random, pauseMs: 300 });
    const enough = quick ? 8 : 100;
    const plan = planKills(quick ? 12 : 104, replicas, random);
    const { kills, overRefresh, startSeconds } = await killReplicas(stage.replicas, plan, {
      limitSeconds: 200,
      say,
    });
    const lastKillAt = performance.now();
    // The lease of the last one that was killed.
    await delay(quick ? 3_000 : 24_000);
    await load.stop();
    const lost = await proveGrants(stage);

    return (["jira", "slack"] as const).map((platform): Row => {
      const seen = observed(platform, load.asks, stage.traffic[platform]);
      const { repeats, unexplained } = repeatsOf(stage.traffic[platform].calls, kills);
      const mine = lost.filter(({ grant }) => grant.platform === platform);
      return {
        fault: `${kills.length} × kill -9`,
        ...seen,
        lost: mine.length,
        recoverSeconds: lastFailureAfter(
          load.asks.filter((ask) => ask.grant.platform === platform),
          lastKillAt,
        ),
        facts: [
          `${overRefresh} of ${kills.length} kills hit a replica over a refresh; ${repeats} refresh tokens were asked with again, ${repeats - unexplained} of them because of a kill`,
          `a replica was back after ${startSeconds.toFixed(1)} s on average`,
          ...mine.map(({ grant, reason }) => `lost: ${grant.owner ?? grant.externalUserId ?? "bot"}, ${reason}`),
        ],
        misses: [
          ...(unexplained > 0 ? [`${unexplained} refresh tokens were asked with again for no reason`] : []),
          ...(kills.length < enough ? [`only ${kills.length} kills fitted into the time, ${enough} wanted`] : []),
        ],
      };
    });
  },
};
