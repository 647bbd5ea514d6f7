import { randomUUID } from "node:crypto";
import postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createClock } from "../../../rig/clock.ts";
import { createGate, until } from "../../../rig/gate.ts";
import { createTestWorld } from "../../../rig/world.ts";
import type { CredentialKind, TokenSet } from "../../../src/domain/model/credential.ts";
import type { Platform } from "../../../src/domain/model/platform.ts";
import { withBreaker } from "../../../src/domain/refreshing/breaker.ts";
import { createKeepFresh } from "../../../src/domain/refreshing/keep-fresh.ts";
import { createRefresher } from "../../../src/domain/refreshing/refresher.ts";
import { Secret } from "../../../src/secret.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import { openTestStorage } from "../../support/domain.ts";
import { connection, minted, onlyPlatforms, scriptedPlatform, tokenSet } from "../../support/scripted-platform.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const clock = createClock();
const world = createTestWorld(clock.now);
let storage: Storage;
let sql: postgres.Sql;
let close: () => Promise<void>;

beforeAll(async () => {
  const opened = await openTestStorage(world);
  ({ storage, close } = opened);
  sql = postgres(opened.url, { max: 1, onnotice: () => undefined });
});

afterAll(async () => {
  await sql.end();
  await close();
});

beforeEach(async () => {
  await sql`truncate installations, credentials cascade`;
});

/** Connects one organization whose token was issued `ageMs` ago for an hour; `usedMsAgo` undefined: never used. */
async function connected(options: {
  ageMs: number;
  usedMsAgo?: number;
  kind?: CredentialKind;
  tokens?: TokenSet;
  org?: string;
  owner?: string;
}) {
  const tokens = options.tokens ?? tokenSet({ ageMs: options.ageMs, now: clock.now() });
  const context = { platform: "slack", holder: "organization", owner: options.owner, now: clock.now() } as const;
  const [installation] = await storage.installations.connect(
    connection({
      kind: options.kind ?? "rotating",
      tokens,
      ...(options.org === undefined ? {} : { org: options.org }),
    }),
    context,
  );
  if (options.usedMsAgo !== undefined) {
    const at = new Date(clock.now().getTime() - options.usedMsAgo);
    await storage.installations.recordUse(new Map([[installation!.id, at]]));
  }
  return installation!.id;
}

/** Its tokens are as young as the test's clock says. */
function slack() {
  const platform = scriptedPlatform();
  platform.answer = () => minted({ now: clock.now() });
  return platform;
}

function keepFresh(platform: Platform) {
  const platforms = onlyPlatforms(platform);
  const refresher = createRefresher({ credentials: storage.credentials, platforms, world });
  return createKeepFresh({ credentials: storage.credentials, platforms, refresher, world });
}

test("refreshes what was used recently and is past half of its life, and nothing else", async () => {
  const platform = slack();
  await connected({
    ageMs: 40 * minuteMs,
    usedMsAgo: minuteMs,
    tokens: tokenSet({ ageMs: 40 * minuteMs, refreshToken: "due", now: clock.now() }),
  });
  await connected({ ageMs: 10 * minuteMs, usedMsAgo: minuteMs });
  await connected({ ageMs: 40 * minuteMs });
  await connected({ ageMs: 40 * minuteMs, usedMsAgo: 2 * dayMs });
  await keepFresh(platform).refreshDue();
  expect(platform.spent).toEqual(["due"]);
});

test("keeps minted tokens warm only while they are used", async () => {
  const platform = slack();
  await connected({ ageMs: 40 * minuteMs, usedMsAgo: 10 * minuteMs, kind: "app_installation" });
  await connected({ ageMs: 40 * minuteMs, usedMsAgo: 90 * minuteMs, kind: "app_installation" });
  await keepFresh(platform).refreshDue();
  expect(platform.spent.length).toBe(1);
});

test("refreshes an idle rotating grant before it dies of disuse", async () => {
  const platform: Platform & { spent: string[] } = { ...slack(), keepAliveMs: 30 * dayMs } as never;
  await connected({ ageMs: 0 });
  await keepFresh(platform).refreshDue();
  expect(platform.spent.length).toBe(0);
  clock.advance(31 * dayMs);
  await keepFresh(platform).refreshDue();
  expect(platform.spent.length).toBe(1);
});

test.each([
  ["20 days ago", -20 * dayMs],
  ["nobody knows when", undefined],
])("keeps a grant alive that came from an earlier service, whose token ended %s", async (_when, endedMs) => {
  const platform: Platform & { spent: string[] } = { ...slack(), keepAliveMs: 30 * dayMs } as never;
  const { installations, credentials } = connection();
  const [installation, { tokens: _tokens, natural: _natural, ...grant }] = [installations[0]!, credentials[0]!];
  const earlier = {
    accessToken: undefined,
    refreshToken: new Secret("earlier"),
    grantExpiresAt: undefined,
    scopes: [],
  };
  const expiresAt = endedMs === undefined ? undefined : new Date(clock.now().getTime() + endedMs);
  const made = { createdAt: clock.now(), lastUsedAt: undefined, grant: { ...grant, ...earlier, expiresAt } };
  const where = { id: randomUUID(), platform: "slack", holder: "organization", status: "active" } as const;
  await storage.imports.store({ ...where, ...made, installation }, () => []);
  await keepFresh(platform).refreshDue();
  expect(platform.spent).toEqual([]);
  clock.advance(31 * dayMs + (endedMs ?? 0));
  await keepFresh(platform).refreshDue();
  expect(platform.spent).toEqual(["earlier"]);
});

test("two replicas at once refresh each grant once", async () => {
  const platform = slack();
  for (let i = 0; i < 12; i++) await connected({ ageMs: 40 * minuteMs, usedMsAgo: minuteMs });
  await Promise.all([keepFresh(platform).refreshDue(), keepFresh(platform).refreshDue()]);
  expect(platform.spent.length).toBe(12);
  expect(new Set(platform.spent).size).toBe(12);
});

test("never asks one platform for more than four at once", async () => {
  const platform = slack();
  let running = 0;
  let most = 0;
  platform.answer = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    return minted({ now: clock.now() });
  };
  for (let i = 0; i < 12; i++) await connected({ ageMs: 40 * minuteMs, usedMsAgo: minuteMs });
  await keepFresh(platform).refreshDue();
  expect(platform.spent.length).toBe(12);
  expect(most).toBeLessThanOrEqual(4);
});

test("a platform whose queue cannot be read leaves no round of the others behind", async () => {
  const platform = slack();
  const gate = createGate();
  platform.answer = async () => {
    await gate.opened;
    return minted({ now: clock.now() });
  };
  await connected({ ageMs: 40 * minuteMs, usedMsAgo: minuteMs });
  const platforms = onlyPlatforms(scriptedPlatform({ name: "jira" }), platform);
  const { credentials } = storage;
  const due: typeof credentials.due = (query) =>
    query.platform === "jira" ? Promise.reject(new Error("no answer in time")) : credentials.due(query);
  const refresher = createRefresher({ credentials, platforms, world });
  let ended = false;
  const round = createKeepFresh({ credentials: { ...credentials, due }, platforms, refresher, world })
    .refreshDue()
    .catch((error: Error) => error.message)
    .finally(() => {
      ended = true;
    });
  await until(() => platform.spent.length === 1, "the other platform's is refreshed");
  expect(ended).toBe(false);
  gate.open();
  expect(await round).toBe("no answer in time");
});

test("gives up the round when the platform is in trouble, and takes it up when that is over", async () => {
  const platform = slack();
  const mint = platform.answer;
  platform.answer = () => ({ kind: "unavailable", retryAfterMs: undefined, mayHaveBeenProcessed: false, cause: "x" });
  for (let i = 0; i < 20; i++) await connected({ ageMs: 40 * minuteMs, usedMsAgo: minuteMs });
  const round = keepFresh(withBreaker(platform));
  await round.refreshDue();
  const asked = platform.spent.length;
  expect(asked).toBeGreaterThanOrEqual(5);
  expect(asked).toBeLessThanOrEqual(12);
  platform.answer = mint;
  await sql`update credentials set lease_until = null`;
  const served = async () => {
    await round.refreshDue();
    return platform.spent.length === asked + 20;
  };
  await until(served, "the first turn after the outage ends it for all", 10_000);
});

describe("one tenant's trouble", () => {
  const refusals = [
    { kind: "rate_limited", retryAfterMs: 60_000 },
    { kind: "refused", code: "ip_allow_list" },
    { kind: "misconfigured", code: "unauthorized_client" },
    { kind: "unavailable", retryAfterMs: undefined, mayHaveBeenProcessed: false, cause: "http_502" },
  ] as const;

  test.each(refusals)("is no reason to leave the neighbours: $kind", async (refusal) => {
    const platform = slack();
    const mint = platform.answer;
    platform.answer = (credential) => (credential.subject === "Tbad:bot" ? refusal : mint(credential));
    await connected({ ageMs: 50 * minuteMs, usedMsAgo: minuteMs, org: "Tbad", owner: "a" });
    for (let i = 0; i < 8; i++) await connected({ ageMs: 40 * minuteMs, usedMsAgo: minuteMs, owner: "b" });
    await keepFresh(withBreaker(platform)).refreshDue();
    expect(platform.spent.length).toBe(9);
    expect((await sql`select from credentials where failures = 0 and version = 2`).length).toBe(8);
  });

  test("that hangs leaves the neighbours half of the places", async () => {
    const platform = slack();
    const mint = platform.answer;
    const gate = createGate();
    let served = 0;
    platform.answer = async (credential) => {
      if (credential.subject.startsWith("Tslow")) await gate.opened;
      else served++;
      return mint(credential);
    };
    for (let i = 0; i < 12; i++) {
      await connected({ ageMs: 50 * minuteMs, usedMsAgo: minuteMs, org: `Tslow${i}`, owner: "a" });
    }
    for (let i = 0; i < 6; i++) await connected({ ageMs: 40 * minuteMs, usedMsAgo: minuteMs, owner: "b" });
    const round = keepFresh(platform).refreshDue();
    await until(() => served === 6, "all of the neighbours' are refreshed");
    gate.open();
    await round;
  });

  test("does not fill a round, however much of it is due", async () => {
    const query = { platform: "slack", now: clock.now(), refreshedBefore: undefined, registration: "none" };
    const used = { rotatingUsedSince: new Date(0), mintedUsedSince: new Date(0) };
    for (let i = 0; i < 5; i++) await connected({ ageMs: 50 * minuteMs, usedMsAgo: minuteMs, owner: "a" });
    await connected({ ageMs: 55 * minuteMs, usedMsAgo: minuteMs, owner: "c" });
    await sql`update credentials set failures = 3 where owner = 'c'`;
    await connected({ ageMs: 40 * minuteMs, usedMsAgo: minuteMs, owner: "b" });
    const due = await storage.credentials.due({ ...query, ...used, limit: 10 });
    expect(due.map(({ owner }) => owner)).toEqual(["a", "b", "a", "a", "a", "a", "c"]);
  });
});
