import { setTimeout as delay } from "node:timers/promises";
import { probeDatabase, reachedAfter } from "../database-probe.ts";
import { startLoad } from "../load.ts";
import { proveGrants } from "../prove-grants.ts";
import { observed, type Row } from "../row.ts";
import type { Scenario } from "../scenario.ts";
import { openStage } from "../stage.ts";

const replicas = 2;
/** From where the server takes connections. */
const recoverTarget = 1;

/**
 * Postgres stops, at once or in order, and starts again while tokens of a few seconds' life are refreshed: what a
 * platform answered meanwhile has to be stored afterwards. Recovered: the database is reached through every replica.
 */
export const postgresRestarts: Scenario = {
  name: "postgres-restarts",
  async run({ postgres, database, closers, random, quick, say }) {
    const stage = await openStage({
      postgres,
      database,
      closers,
      replicas,
      grants: { jira: 24, githubOauth: 18 },
      tokenSeconds: 8,
    });
    const load = startLoad({ clients: stage.clients, grants: stage.grants, random, pauseMs: 300 });
    const probe = probeDatabase(stage.clients);
    const restarts = quick ? 3 : 10;
    const readyAt: number[] = [];
    for (let i = 0; i < restarts; i++) {
      await delay(random.between(1_200, 2_200));
      await postgres.stop(random.fraction() < 0.5 ? "immediate" : "fast");
      await delay(random.between(0, 700));
      await postgres.start();
      readyAt.push(performance.now());
      if ((i + 1) % 5 === 0) say(`${i + 1} of ${restarts} restarts`);
    }
    await delay(2_500);
    await load.stop();
    await probe.stop();
    const lost = await proveGrants(stage);
    const recovered = readyAt.map((at) => reachedAfter(probe.probes, at, replicas) ?? Number.POSITIVE_INFINITY);
    const slowest = Math.max(...recovered);
    const longestProbe = probe.probes.reduce((longest, { ms }) => Math.max(longest, ms), 0);

    return (["jira", "github-oauth"] as const).map((platform): Row => {
      const mine = lost.filter(({ grant }) => grant.platform === platform);
      return {
        fault: `${restarts} × Postgres restart`,
        ...observed(platform, load.asks, stage.traffic[platform]),
        lost: mine.length,
        recoverSeconds: slowest,
        facts: [
          `the longest call that needed the database took ${longestProbe.toFixed(0)} ms`,
          ...mine.map(({ grant, reason }) => `lost: ${grant.owner}, ${reason}`),
        ],
        misses: [
          ...(mine.length > 0 ? [`${mine.length} grants lost, 0 allowed`] : []),
          ...(slowest > recoverTarget ? [`${slowest.toFixed(2)} s to recover, ${recoverTarget} s allowed`] : []),
        ],
      };
    });
  },
};
