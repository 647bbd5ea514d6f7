import postgres from "postgres";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { CredentialKind, TokenSet } from "../../src/domain/credential.ts";
import { createKeepFresh } from "../../src/domain/keep-fresh.ts";
import type { Platform } from "../../src/domain/platform.ts";
import { createRefresher } from "../../src/domain/refresh.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { createClock } from "../support/clock.ts";
import { openTestStorage } from "../support/domain.ts";
import { connection, minted, onlyPlatforms, scriptedPlatform, tokenSet } from "../support/scripted-platform.ts";
import { createTestWorld } from "../support/world.ts";

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
async function connected(options: { ageMs: number; usedMsAgo?: number; kind?: CredentialKind; tokens?: TokenSet }) {
  const tokens = options.tokens ?? tokenSet({ ageMs: options.ageMs, now: clock.now() });
  const context = { platform: "slack", holder: "organization", owner: undefined, now: clock.now() } as const;
  const [installation] = await storage.installations.connect(
    connection({ kind: options.kind ?? "rotating", tokens }),
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

test("gives up the round when the platform is in trouble, and takes it up after the back-off", async () => {
  const platform = scriptedPlatform();
  platform.answer = () => ({ kind: "rate_limited", retryAfterMs: 60_000 });
  for (let i = 0; i < 20; i++) await connected({ ageMs: 40 * minuteMs, usedMsAgo: minuteMs });
  await keepFresh(platform).refreshDue();
  expect(platform.spent.length).toBeLessThanOrEqual(4);
  const asked = platform.spent.length;
  platform.answer = () => minted({ now: clock.now() });
  await keepFresh(platform).refreshDue();
  expect(platform.spent.length).toBe(20);
  expect(asked).toBeGreaterThan(0);
});

test("warns of grants that end within thirty days, and names their installations", async () => {
  const ending = { ...tokenSet({ now: clock.now() }), grantExpiresAt: new Date(clock.now().getTime() + 29 * dayMs) };
  const later = { ...tokenSet({ now: clock.now() }), grantExpiresAt: new Date(clock.now().getTime() + 31 * dayMs) };
  const id = await connected({ ageMs: 0, tokens: ending });
  await connected({ ageMs: 0, tokens: later });
  world.lines.length = 0;
  await keepFresh(scriptedPlatform()).warnOfEndings();
  const warnings = world.lines.map((line) => JSON.parse(line)).filter(({ event }) => event === "grant.ending");
  expect(warnings).toMatchObject([{ installations: [id] }]);
});
