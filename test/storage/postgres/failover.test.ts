import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { type PostgresPair, startPostgresPair } from "../../../rig/postgres-pair.ts";
import { targetOf } from "../../../rig/postgres-target.ts";
import { migratePostgres } from "../../../src/storage/postgres/migrate.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import { createTools, silentLog } from "../../contract/harness.ts";

const tools = createTools();
let pair: PostgresPair;
let storage: Storage;
const heard: string[] = [];

const canWrite = () =>
  storage.ping().then(
    () => true,
    () => false,
  );

/** Streaming replication, with every commit on both before it is answered. */
beforeAll(async () => {
  pair = await startPostgresPair("test");
  await pair.createDatabase("tokens");
  await pair.synchronize();
  // The standby comes first there: it is the wrong one, and says so.
  storage = await openPostgres({ target: targetOf(pair.urlOf("tokens")), log: silentLog, ...tools });
  storage.changes.subscribe((change) => void heard.push(change.kind));
}, 120_000);

afterAll(async () => {
  await storage?.close();
  await pair?.close();
});

describe("a primary and its standby", () => {
  test("a standby alone is refused by name at start, whether it was asked to write or not", async () => {
    const standby = pair.standby.urlOf("tokens");
    const failure = (url: string) =>
      openPostgres({ target: targetOf(url), log: silentLog, ...tools, openTimeoutMs: 500 }).then(
        () => "opened",
        (error: Error) => error.message,
      );
    expect(await failure(standby)).toMatch(/25006: the server only reads, as a standby does; name the primary/);
    expect(await failure(`${standby}?target_session_attrs=read-write`)).toMatch(
      /CONNECTION_READ_ONLY: the server only reads, as a standby does; name the primary in DATABASE_URL/,
    );
  });

  test("a standby named for LISTEN and migrations alone is refused by name, too", async () => {
    const direct = targetOf(pair.standby.urlOf("tokens"));
    const opening = openPostgres({
      ...{ target: targetOf(pair.primary.urlOf("tokens")), direct, log: silentLog, openTimeoutMs: 500 },
      ...tools,
    }).then(
      async (opened) => {
        await opened.close();
        return "opened";
      },
      (error: Error) => error.message,
    );
    expect(await opening).toContain(`port ${pair.standby.port}, database tokens): 25006: the server only reads`);
  });

  test("a migration says of a standby that it is one, and not that it is up to date", async () => {
    const standby = targetOf(pair.standby.urlOf("tokens"));
    await expect(migratePostgres(standby, tools.random)).rejects.toMatchObject({ code: "25006" });
  });

  test("a command finds the primary by itself, too", async () => {
    expect(await migratePostgres(targetOf(pair.urlOf("tokens")), tools.random)).toBe("public");
  });

  test("the primary is used, wherever it stands in the list, and heard of", async () => {
    expect(await canWrite()).toBe(true);
    await until(() => storage.changes.isAlive(), "changes are heard of");
  });

  test("a commit that waits for its standby is not reported as done when its time is up, nor cancelled", async () => {
    const sql = postgres(pair.primary.urlOf("tokens"), { max: 1, onnotice: () => undefined });
    const waiting = () => sql`select 1 from pg_stat_activity where wait_event = 'SyncRep' and datname = 'tokens'`;
    pair.standby.freeze();
    try {
      await expect(storage.rateLimits.count("waits", { most: 1, windowSeconds: 3_600 })).rejects.toMatchObject({
        reason: "SERVICE_UNAVAILABLE",
      });
      expect((await waiting()).length, "the server's own limits end no such wait").toBeGreaterThan(0);
      // Also where the row that is written has been taken, by a commit that waits as well.
      for (const _time of ["first", "second", "third"])
        await expect(storage.ping()).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    } finally {
      pair.standby.thaw();
    }
    await until(async () => (await waiting()).length === 0, "the standby has it");
    await until(canWrite, "it goes on");
    await sql.end();
  });

  test("after the primary died the promoted one is found, with what was stored, LISTEN included", async () => {
    const once = { most: 1, windowSeconds: 3_600 };
    expect(await storage.rateLimits.count("failover", once)).toBe(0);
    await pair.primary.stop("immediate");
    await until(async () => !(await canWrite()), "nothing can be written");
    heard.length = 0;
    await pair.promote();
    await until(canWrite, "the promoted one is written to", 20_000);
    // The last heartbeat of the one that died proves for a while that nothing was missed, which is true.
    await until(() => heard.includes("everything"), "whatever was missed counts as changed", 20_000);
    await until(() => storage.changes.isAlive(), "changes are heard of there", 20_000);
    expect(await storage.rateLimits.count("failover", once), "the first one is remembered").toBeGreaterThan(0);
    const sql = postgres(pair.primary.urlOf("tokens"), { max: 1 });
    const rows = await sql.unsafe("select application_name from pg_stat_activity where query ilike '%listen%'");
    await sql.end();
    expect(rows.length).toBeGreaterThan(0);
  });

  test("a former primary that lives on, with commits that wait for ever, is left for the promoted one", async () => {
    await pair.replace();
    await pair.synchronize();
    await until(canWrite, "the primary is written to");
    await pair.promote();
    let tried = 0;
    const writes = () =>
      storage.rateLimits.count(`lives on ${tried++}`, { most: 1, windowSeconds: 3_600 }).then(
        () => true,
        () => false,
      );
    await until(writes, "the promoted one is written to", 40_000);
    const sql = postgres(pair.primary.urlOf("tokens"), { max: 1 });
    const rows = await sql`select 1 from pg_stat_activity where application_name = 'oauth-token-service'`;
    await sql.end();
    expect(rows.length).toBeGreaterThan(0);
    await until(() => storage.changes.isAlive(), "changes are heard of there", 20_000);
  });
});
