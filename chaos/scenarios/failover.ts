import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { until } from "../../rig/gate.ts";
import { startPostgresPair } from "../../rig/postgres-pair.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { probeDatabase, reachedAfter } from "../database-probe.ts";
import { findServed, type LastMoment, playLastMoment } from "../last-moment.ts";
import { startLoad } from "../load.ts";
import { repeatsOf } from "../platform-traffic.ts";
import { type Death, killPrimary, planDeaths } from "../primary-death.ts";
import { proveGrants } from "../prove-grants.ts";
import { compareWithRecord, readRecorded } from "../record.ts";
import { observed, type Row } from "../row.ts";
import type { Scenario } from "../scenario.ts";
import { openStage, type Stage } from "../stage.ts";

const replicas = 2;
/** From where the promoted standby takes writes; and how long a token may be served after its revocation. */
const targets = { recover: 2, servedMs: 2_500 };

/**
 * The primary of a pair dies under load and its standby is promoted, again and again. Commits wait for the standby, so
 * that nothing may be missing afterwards. Recovered: the database is reached through every replica.
 */
export const failover: Scenario = {
  name: "failover",
  async run({ database, closers, random, quick, asynchronous, say }) {
    const plan = planDeaths(quick ? 3 : 20, random, quick ? 4_000 : undefined);
    const pair = await startPostgresPair("chaos", { fsync: "off" });
    closers.add("pair of servers", pair.close);
    const stage = await openStage({
      postgres: pair,
      database,
      closers,
      replicas,
      grants: { jira: 24 + plan.length, githubOauth: 18 },
      tokenSeconds: 24,
    });
    const doomed = stage.grants.slice(0, plan.length);
    const grants = stage.grants.slice(plan.length);
    const load = startLoad({ clients: stage.clients, grants, random, pauseMs: 300 });
    const probe = probeDatabase(stage.clients);
    const deaths: Death[] = [];
    const moments: LastMoment[] = [];
    for (const [n, planned] of plan.entries()) {
      await (asynchronous ? pair.catchUp() : pair.synchronize());
      await delay(random.between(800, 1_800));
      if (asynchronous) await pair.part();
      const [grant] = doomed.slice(n);
      if (grant === undefined) throw new Error("a grant for each death is needed");
      const moment = playLastMoment(stage, `late-${n}`, grant);
      moment.catch(() => undefined);
      await delay(planned.lastMomentMs + (asynchronous ? 1_000 : 0));
      const death = await killPrimary(pair, planned, { database, replicas });
      await until(
        () => reachedAfter(probe.probes, death.promotedAt, replicas) !== undefined,
        "the database is reached",
      );
      deaths.push(death);
      moments.push(await moment);
      await pair.replace();
      say(`${n + 1} of ${plan.length} deaths`);
    }
    await delay(2_500);
    await load.stop();
    await probe.stop();
    const connected = moments.flatMap((moment) => moment.connected ?? []);
    const lost = await proveGrants({ ...stage, grants: [...grants, ...connected] });
    const served = await findServed(stage, doomed);
    const sql = postgres(pair.primary.urlOf(database), { max: 1, onnotice: () => undefined });
    closers.add("statements on the pair", () => sql.end({ timeout: 1 }));
    const recorded = await readRecorded(sql);
    const verified = await verifyRecord(stage, pair.primary.urlOf(database));

    const reached = deaths.map(({ promotedAt }) => reachedAfter(probe.probes, promotedAt, replicas) ?? Infinity);
    const listening = deaths.map(({ promotedAt, listeningAt }) => (listeningAt - promotedAt) / 1000);
    const servedMs = Math.max(...moments.map((moment) => moment.servedMs));
    return (["jira", "github-oauth"] as const).map((platform): Row => {
      const mine = lost.filter(({ grant }) => grant.platform === platform);
      const { given, unrecorded } = compareWithRecord(load.asks, platform, recorded);
      const { repeats } = repeatsOf(stage.traffic[platform].calls, []);
      const misses: string[] = [];
      const atMost = (value: number, limit: number, what: string) => {
        if (!(value <= limit)) misses.push(`${what}: ${value.toFixed(2)}, ${limit} allowed`);
      };
      atMost(mine.length, 0, "grants lost");
      atMost(Math.max(...reached), targets.recover, "seconds from the promotion until every replica reached it");
      atMost(Math.max(...listening), targets.recover, "seconds from the promotion until every replica listened");
      atMost(servedMs, targets.servedMs, "ms for which a revoked token was served");
      atMost(served.length, 0, "revoked grants that are served");
      if (verified !== "") misses.push(`audit verify: ${verified}`);
      return {
        fault: `${deaths.length} × primary dies, standby promoted${asynchronous ? ", asynchronous" : ""}`,
        ...observed(platform, load.asks, stage.traffic[platform]),
        lost: mine.length,
        unrecorded,
        recoverSeconds: Math.max(...reached),
        facts: [
          `after a promotion reached again in ${median(reached).toFixed(2)} s (median), heard of changes again in ${median(listening).toFixed(2)} s (median) and ${Math.max(...listening).toFixed(2)} s (slowest)`,
          `${deaths.filter(({ silent }) => silent).length} of them silent; the longest without a primary ${Math.max(...deaths.map(({ diedAt, promotedAt }) => (promotedAt - diedAt) / 1000)).toFixed(1)} s`,
          `${given} tokens were given, ${unrecorded} of them without a row of their own; ${repeats} refresh tokens were asked with again`,
          `of ${moments.length} people who connected in the last moment ${connected.length} were told that they are`,
          `${moments.length} revocations in the last moment: served for ${servedMs.toFixed(0)} ms at most after the answer, ${served.length} undone`,
          ...mine.map(({ grant, reason }) => `lost: ${grant.owner}, ${reason}`),
        ],
        misses,
      };
    });
  },
};

/** What `audit verify` has to say, which is nothing of a record from which nothing is missing. */
async function verifyRecord({ env }: Stage, databaseUrl: string): Promise<string> {
  const complaints: string[] = [];
  const code = await runCommand(["audit", "verify"], {
    env: { ...env, DATABASE_URL: databaseUrl, DATABASE_MAY_LOSE_COMMITS: "1" },
    readFile: () => "",
    now: () => new Date(),
    random: randomBytes,
    print: () => undefined,
    complain: (line) => void complaints.push(line),
  });
  return code === 0 ? "" : complaints.join("; ");
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
