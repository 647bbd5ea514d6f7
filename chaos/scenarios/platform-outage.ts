import { setTimeout as delay } from "node:timers/promises";
import { type Load, startLoad } from "../load.ts";
import { createPlatformTraffic, perSecond } from "../platform-traffic.ts";
import type { WayFault } from "../platform-way.ts";
import { proveGrants } from "../prove-grants.ts";
import { observed, type Row } from "../row.ts";
import type { Scenario } from "../scenario.ts";
import { openStage, type Stage } from "../stage.ts";

const replicas = 2;
const platforms = ["jira", "github-oauth"] as const;
/** From the end of the fault. */
const recoverTarget = 10;

interface Phase {
  readonly fault: WayFault;
  readonly seconds: number;
}

interface Outage {
  readonly name: string;
  readonly phases: readonly Phase[];
}

const status = (code: number, headers?: Readonly<Record<string, string>>): WayFault =>
  headers === undefined ? { kind: "answer", status: code } : { kind: "answer", status: code, headers };

const retryAfterSeconds = 5;

function outages(quick: boolean): readonly Outage[] {
  return [
    {
      name: "platform down: 500, then hangs",
      phases: [
        { fault: status(500), seconds: quick ? 4 : 15 },
        { fault: { kind: "hang" }, seconds: quick ? 4 : 15 },
      ],
    },
    {
      name: `429, Retry-After ${retryAfterSeconds}`,
      phases: [{ fault: status(429, { "retry-after": String(retryAfterSeconds) }), seconds: quick ? 6 : 12 }],
    },
    { name: "our client secret is wrong", phases: [{ fault: { kind: "wrong_secret" }, seconds: quick ? 5 : 15 }] },
  ];
}

/**
 * Platforms in trouble while tokens that still live are due for a refresh. Recovered: the platform has given the first
 * new token.
 */
export const platformOutage: Scenario = {
  name: "platform-outage",
  async run({ postgres, database, closers, random, quick, say }) {
    const stage = await openStage({
      postgres,
      database,
      closers,
      replicas,
      grants: { jira: 20, githubOauth: 12 },
      tokenSeconds: 600,
    });
    const rows: Row[] = [];
    for (const outage of outages(quick)) {
      const load = startLoad({ clients: stage.clients, grants: stage.grants, random, pauseMs: 250 });
      rows.push(...(await playOutage(stage, outage, load)));
      say(outage.name);
    }
    const lost = await proveGrants(stage);
    return rows.map((row) => {
      // Whichever of the outages it was: one of this platform's rows shows it.
      const mine = lost.filter(({ grant }) => grant.platform === row.platform).length;
      const last = rows.findLast((one) => one.platform === row.platform) === row;
      return last ? { ...row, lost: mine } : row;
    });
  },
};

async function playOutage(stage: Stage, { name, phases }: Outage, load: Load): Promise<readonly Row[]> {
  const before = new Map(platforms.map((platform) => [platform, stage.traffic[platform].calls.length]));
  await delay(1_000);
  const startedAt = performance.now();
  for (const { fault, seconds } of phases) {
    setFault(stage, fault);
    if (fault === phases[0]?.fault) await makeDue(stage);
    await delay(seconds * 1000);
  }
  setFault(stage, undefined);
  const endedAt = performance.now();
  await untilAllRefreshed(stage);
  await load.stop();

  return platforms.map((platform): Row => {
    const { mostAtOnce } = stage.traffic[platform];
    const calls = stage.traffic[platform].calls.slice(before.get(platform));
    const seen = observed(platform, load.asks, { ...createPlatformTraffic(), calls, mostAtOnce });
    const granted = calls.filter((call) => call.granted && call.at >= endedAt);
    const recover = granted[0] === undefined ? Infinity : (granted[0].at - endedAt) / 1000;
    const all = granted.length === 0 ? Infinity : ((granted.at(-1)?.at ?? 0) - endedAt) / 1000;
    const rate = perSecond(calls, startedAt, endedAt);
    const failed = [...seen.failed.values()].reduce((sum, count) => sum + count, 0);
    return {
      fault: name,
      ...seen,
      lost: 0,
      recoverSeconds: recover,
      facts: [
        `calls to the platform in each second of the fault: ${rate.join(" ")}`,
        `the last of the refreshes that waited came ${all.toFixed(1)} s after the fault`,
        ...early(name, calls),
      ],
      misses: [
        ...(failed > 0 ? [`${failed} calls failed while their tokens lived`] : []),
        ...(recover > recoverTarget
          ? [`${recover.toFixed(1)} s to the first new token, ${recoverTarget} s allowed`]
          : []),
      ],
    };
  });
}

/** Calls with a refresh token before the time that the platform had named for it. */
function early(name: string, calls: readonly { readonly at: number; readonly token: string }[]): readonly string[] {
  if (!name.startsWith("429")) return [];
  const last = new Map<string, number>();
  let tooEarly = 0;
  for (const { at, token } of calls) {
    const before = last.get(token);
    if (before !== undefined && at - before < retryAfterSeconds * 1000 - 50) tooEarly++;
    last.set(token, at);
  }
  return [`${tooEarly} refreshes were tried again before Retry-After was over`];
}

function setFault({ replicas: all }: Stage, fault: WayFault | undefined): void {
  for (const { ways } of all) for (const way of ways) way.fault = fault;
}

/** As if half of every token's life were over; a payload that no replica understands makes them look again. */
async function makeDue({ sql }: Stage): Promise<void> {
  await sql`update credentials set refresh_after = now() - interval '1 second'`;
  await sql`select pg_notify('oauth_token_service', 'chaos')`;
}

async function untilAllRefreshed({ sql }: Stage): Promise<void> {
  const giveUpAt = performance.now() + 30_000;
  while (performance.now() < giveUpAt) {
    const [row] =
      await sql`select count(*)::int as due from credentials where refresh_after < now() and status = 'active'`;
    if (row?.due === 0) return;
    await delay(100);
  }
}
