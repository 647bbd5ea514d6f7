import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { openEmbeddedDatabase } from "../../src/storage/embedded/open.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { createStorage, type Storage } from "../../src/storage/storage.ts";
import { connected, githubApp, githubContext, grant, slackContext, tokenSet } from "../contract/connections.ts";
import { createTools, silentLog } from "../contract/harness.ts";
import { createTestDatabase, createTestDirectory } from "../support/database.ts";

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

async function onPostgres(): Promise<Storage> {
  const database = await createTestDatabase();
  const storage = await openPostgres({ target: targetOf(database.url), log: silentLog, ...createTools() });
  closers.push(database.drop, storage.close);
  return storage;
}

async function embedded(): Promise<Storage> {
  const { directory, remove } = await createTestDirectory();
  const { database, close } = await openEmbeddedDatabase(join(directory, "db"));
  closers.push(remove, close);
  return createStorage(database, createTools(), close);
}

const now = new Date("2026-06-01T12:00:00Z");
const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1000);

/** A workspace whose token, and perhaps whose grant, ends at that time. */
async function connect(storage: Storage, team: string, ends: { token: number; grant?: number; rotating?: boolean }) {
  const set = tokenSet(team);
  const tokens = {
    ...set,
    token: { ...set.token, issuedAt: inSeconds(ends.token - 43_200), expiresAt: inSeconds(ends.token) },
    grantExpiresAt: ends.grant === undefined ? undefined : inSeconds(ends.grant),
  };
  const kind = ends.rotating === false ? "long_lived" : "rotating";
  await storage.installations.connect(
    { installations: [connected(team)], credentials: [grant(`${team}:bot`, { kind, tokens })] },
    slackContext(now),
  );
}

describe.each([
  ["Postgres", onPostgres],
  ["the embedded database", embedded],
])("what is stored on %s", (_name, open) => {
  test("is counted by platform, status, key and time left", async () => {
    const storage = await open();
    expect(await storage.statistics.read(now)).toEqual({
      installations: [],
      webhooks: [],
      keys: [],
      ending: [],
      nextExpiry: [],
    });
    expect(await storage.statistics.readPressing()).toEqual({
      waiting: [],
      concerns: [],
      watchedSecondsAgo: undefined,
    });
    await connect(storage, "T1", { token: -60, grant: -1 });
    await connect(storage, "T2", { token: 299, grant: 604_799 });
    await connect(storage, "T3", { token: 301, grant: 2_591_999 });
    await connect(storage, "T4", { token: 86_401, grant: 2_592_001 });
    await connect(storage, "T5", { token: 10, rotating: false });
    await storage.installations.connect(githubApp("acme", "1"), githubContext(now));
    await storage.installations.connect(githubApp("globex", "2", true), githubContext(now));

    await storage.webhooks.noteByHand("slack", "https://here.example/webhooks/slack", undefined);
    const lease = { id: "lease", leaseMs: 60_000, now, evenIfNotDue: true };
    await storage.webhooks.takeOfPlatform("github", lease);

    const statistics = await storage.statistics.read(now);
    expect(new Set(statistics.webhooks)).toEqual(
      new Set([
        { platform: "slack", state: "by_hand", count: 1 },
        { platform: "github", state: "waiting", count: 1 },
      ]),
    );
    expect(new Set(statistics.installations)).toEqual(
      new Set([
        { platform: "slack", status: "active", count: 5 },
        { platform: "github", status: "active", count: 1 },
        { platform: "github", status: "suspended", count: 1 },
      ]),
    );
    expect(statistics.keys).toEqual([{ keyId: expect.stringMatching(/^[0-9a-f]{16}$/), count: 5 }]);
    const ending = (what: string) =>
      statistics.ending
        .filter((row) => row.what === what && row.platform === "slack")
        .map(({ withinSeconds, count }) => [withinSeconds, count]);
    expect(ending("token")).toEqual([
      [0, 1],
      [300, 2],
      [3_600, 3],
      [86_400, 3],
    ]);
    expect(ending("grant")).toEqual([
      [0, 1],
      [604_800, 2],
      [2_592_000, 3],
    ]);
    expect(statistics.nextExpiry).toEqual([{ platform: "slack", seconds: 299 }]);
  });
});
