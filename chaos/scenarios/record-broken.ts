import { setTimeout as delay } from "node:timers/promises";
import { startLoad } from "../load.ts";
import { proveGrants } from "../prove-grants.ts";
import { compareWithRecord, readRecorded } from "../record.ts";
import { firstTokenAfter } from "../recovery.ts";
import { observed, type Row } from "../row.ts";
import type { Scenario } from "../scenario.ts";
import { openStage, type Stage } from "../stage.ts";

const replicas = 2;
const targets = { refusalMs: 1_500, recover: 1 };

/**
 * The record takes no rows while everything else works: what is on record already goes on being handed out, nothing new
 * is. Recovered: every replica has given a token again that the record had refused.
 */
export const recordBroken: Scenario = {
  name: "record-broken",
  async run({ postgres, database, closers, random, quick }) {
    const stage = await openStage({
      postgres,
      database,
      closers,
      replicas,
      grants: { jira: 24, githubOauth: 12 },
      tokenSeconds: 12,
    });
    const load = startLoad({ clients: stage.clients, grants: stage.grants, random, pauseMs: 200 });
    await delay(4_000);
    await breakRecord(stage);
    const brokenAt = performance.now();
    await delay(quick ? 6_000 : 10_000);
    const repairedAt = performance.now();
    await stage.sql`drop trigger refuse_rows on audit_events`;
    await delay(4_000);
    await load.stop();
    const lost = await proveGrants(stage);
    const recorded = await readRecorded(stage.sql);

    const refusals = load.asks.filter(({ at, failure }) => failure !== undefined && at > brokenAt && at < repairedAt);
    const longest = refusals.reduce((most, { ms }) => Math.max(most, ms), 0);
    const recover = firstTokenAfter(load.asks, repairedAt, replicas) ?? Number.POSITIVE_INFINITY;
    return (["jira", "github-oauth"] as const).map((platform): Row => {
      const { given, unrecorded } = compareWithRecord(load.asks, platform, recorded);
      const mine = lost.filter(({ grant }) => grant.platform === platform).length;
      const misses: string[] = [];
      if (refusals.length === 0) misses.push("nothing was refused: no token was new while the record was broken");
      if (longest > targets.refusalMs) misses.push(`ms until a refusal: ${longest.toFixed(0)}, 1500 allowed`);
      if (!(recover <= targets.recover)) misses.push(`seconds to recover: ${recover.toFixed(2)}, 1 allowed`);
      return {
        fault: `record refuses rows ${((repairedAt - brokenAt) / 1000).toFixed(0)} s`,
        ...observed(platform, load.asks, stage.traffic[platform]),
        lost: mine,
        unrecorded,
        recoverSeconds: recover,
        facts: [
          `${given} tokens were given, ${unrecorded} of them without a row of their own`,
          `refusals took ${longest.toFixed(0)} ms at most`,
        ],
        misses,
      };
    });
  },
};

async function breakRecord({ sql }: Stage): Promise<void> {
  await sql.unsafe(`
    create function refuse_rows() returns trigger language plpgsql as $$ begin raise exception 'no space left'; end $$;
    create trigger refuse_rows before insert on audit_events for each row execute function refuse_rows()`);
}
