import { setTimeout as delay } from "node:timers/promises";
import { connectGrant } from "../grants.ts";
import { killReplicas, planKills } from "../kill-replicas.ts";
import { startLoad } from "../load.ts";
import type { Kill } from "../platform-traffic.ts";
import { type LostGrant, proveGrants } from "../prove-grants.ts";
import { observed, type Row } from "../row.ts";
import type { Scenario } from "../scenario.ts";
import { openStage, type Stage } from "../stage.ts";

const replicas = 3;
/** GitHub keeps ten tokens per person and set of scopes, and three people can connect. */
const grants = 27;
/** By then an attempt that was not reported on is a dead one's: the sandbox answers at once. */
const deadSeconds = 3;
const settleMs = deadSeconds * 1_000 + 1_000;

/**
 * `kill -9` over refreshes at a platform where a spent refresh token never works again: a kill between its answer and
 * our commit costs the grant. In rounds, after each of which what was lost is connected again by its person.
 */
export const killStrict: Scenario = {
  name: "kill-strict",
  async run({ postgres, database, closers, random, quick, say }) {
    const stage = await openStage({
      postgres,
      database,
      closers,
      replicas,
      grants: { githubOauth: grants },
      tokenSeconds: 8,
    });
    const asks = [];
    const lost: LostGrant[] = [];
    const codes = new Map<string, number>();
    const kills: Kill[] = [];
    let overRefresh = 0;
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      const load = startLoad({ clients: stage.clients, grants: stage.grants, random, pauseMs: 300 });
      const plan = planKills(quick ? 8 : 16, replicas, random);
      const report = await killReplicas(stage.replicas, plan, { limitSeconds: 40, say });
      kills.push(...report.kills);
      overRefresh += report.overRefresh;
      await load.stop();
      asks.push(...load.asks);
      await delay(settleMs);
      await forgetTheDead(stage);
      const lostNow = await proveGrants(stage);
      for (const [code, count] of await codesOfTheDead(stage)) codes.set(code, (codes.get(code) ?? 0) + count);
      lost.push(...lostNow);
      say(`round ${round + 1}: ${lostNow.length} grants lost`);
      for (const { grant } of lostNow) await connectGrant(stage.baseUrl, stage.sandbox, grant);
    }
    const seen = observed("github-oauth", asks, stage.traffic["github-oauth"]);
    const healed = (await proveGrants(stage)).length === 0;
    const row: Row = {
      fault: `${kills.length} × kill -9`,
      ...seen,
      lost: lost.length,
      recoverSeconds: undefined,
      facts: [
        `${overRefresh} of ${kills.length} kills hit a replica over a refresh; ${((100 * lost.length) / kills.length).toFixed(0)} grants lost per 100 kills`,
        `recorded as ${[...codes].map(([code, count]) => `${code} (${count})`).join(", ") || "nothing"}`,
      ],
      misses: [
        ...(healed ? [] : ["a grant that was connected again does not work"]),
        ...(lost.length > (codes.get("rotation_lost") ?? 0) ? ["a loss was not recorded as rotation_lost"] : []),
      ],
    };
    return [row];
  },
};

/**
 * Puts the clock of attempts that nobody reports on any more two minutes ahead, instead of waiting for that. Those of the
 * living keep their lease: tokens of a few seconds are refreshed all the time.
 */
async function forgetTheDead({ sql }: Stage): Promise<void> {
  await sql`update credentials set lease_until = null, attempt_at = attempt_at - interval '2 minutes',
    open_attempt_at = open_attempt_at - interval '2 minutes'
    where coalesce(attempt_at, open_attempt_at) < now() - ${deadSeconds} * interval '1 second'`;
}

async function codesOfTheDead({ sql }: Stage): Promise<readonly (readonly [string, number])[]> {
  const rows =
    await sql`select last_error as code, count(*)::int as count from credentials where status = 'dead' group by 1`;
  return rows.map((row) => [String(row.code), Number(row.count)] as const);
}
