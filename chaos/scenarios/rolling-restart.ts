import { setTimeout as delay } from "node:timers/promises";
import { addressOf, rawChannel, retryingChannel } from "../../rig/channels.ts";
import { openRpcClient } from "../../rig/rpc-client.ts";
import { startLoad } from "../load.ts";
import { proveGrants } from "../prove-grants.ts";
import { observed, type Row } from "../row.ts";
import type { Scenario } from "../scenario.ts";
import { openStage } from "../stage.ts";

const replicas = 2;
/** As a deployment waits between two replicas, so that clients have found the first one again. */
const betweenMs = 2_500;

/**
 * SIGTERM to one replica after the other under load, each started again before the next one goes. Clients know both
 * addresses. Recovered: the longest time from SIGTERM to the end of the process.
 */
export const rollingRestart: Scenario = {
  name: "rolling-restart",
  async run({ postgres, database, closers, random, quick, say }) {
    const stage = await openStage({
      postgres,
      database,
      closers,
      replicas,
      grants: { jira: 24, githubOauth: 12 },
      tokenSeconds: 8,
    });
    const addresses = addressOf(stage.replicas.map((replica) => replica.grpcPort));
    const clients = [retryingChannel, rawChannel].map((channel) => openRpcClient(addresses, channel));
    for (const client of clients) closers.add("client of both", () => client.close());
    const [retrying, raw] = clients.map((client) =>
      startLoad({ clients: [client], grants: stage.grants, random, pauseMs: 150 }),
    );
    if (retrying === undefined || raw === undefined) throw new Error("two clients are needed");

    await delay(4_000);
    const rounds = quick ? 1 : 5;
    let slowestExit = 0;
    const wrongExits: string[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const replica of stage.replicas) {
        const stoppedAt = performance.now();
        const { code, signal } = await replica.stop();
        slowestExit = Math.max(slowestExit, performance.now() - stoppedAt);
        if (code !== 0) wrongExits.push(`exit code ${code ?? signal}`);
        await replica.start();
        await delay(betweenMs);
      }
      say(`round ${round + 1} of ${rounds}`);
    }
    await Promise.all([retrying.stop(), raw.stop()]);
    const lost = await proveGrants(stage);

    return (["jira", "github-oauth"] as const).map((platform): Row => {
      const mine = lost.filter(({ grant }) => grant.platform === platform);
      const seen = observed(platform, retrying.asks, stage.traffic[platform]);
      const unretried = observed(platform, raw.asks, stage.traffic[platform]);
      const failed = [...seen.failed.values()].reduce((sum, count) => sum + count, 0);
      const rawFailed = [...unretried.failed].map(([reason, count]) => `${count} ${reason}`).join(", ") || "none";
      return {
        fault: `${rounds * replicas} × SIGTERM, rolling`,
        ...seen,
        lost: mine.length,
        recoverSeconds: slowestExit / 1000,
        facts: [`of ${unretried.calls} calls of a client that does not retry failed: ${rawFailed}`],
        misses: [
          ...(failed > 0 ? [`${failed} calls failed in spite of the retry policy`] : []),
          ...(mine.length > 0 ? [`${mine.length} grants lost`] : []),
          ...(seen.refreshCalls > seen.rotations ? [`${seen.refreshCalls - seen.rotations} refreshes were cut`] : []),
          ...wrongExits,
        ],
      };
    });
  },
};
