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
});
