import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { type PostgresServer, startPostgres } from "../../../rig/postgres-server.ts";
import { targetOf } from "../../../rig/postgres-target.ts";
import { migratePostgres } from "../../../src/storage/postgres/migrate.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import { createTools, silentLog } from "../../contract/harness.ts";

const tools = createTools();
const folders: string[] = [];
let first: PostgresServer;
let second: PostgresServer;
let storage: Storage;
const heard: string[] = [];

const newFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-pair-"));
  folders.push(folder);
  // As root the servers are another user's.
  await chmod(folder, 0o755);
  return folder;
};
/** The standby first: it is the wrong one, and says so. */
const bothOf = () => {
  const { username, password } = new URL(first.urlOf("tokens"));
  const hosts = `127.0.0.1:${second.port},127.0.0.1:${first.port}`;
  return `postgresql://${username}:${password}@${hosts}/tokens?target_session_attrs=read-write`;
};
const canWrite = () =>
  storage.ping().then(
    () => true,
    () => false,
  );

/** Streaming replication, with every commit on both before it is answered. */
beforeAll(async () => {
  first = await startPostgres({ directory: await newFolder() });
  await first.createDatabase("tokens");
  second = await startPostgres({ directory: await newFolder(), standbyOf: first });
  const sql = postgres(first.urlOf("tokens"), { max: 1, onnotice: () => undefined });
  await sql.unsafe("alter system set synchronous_standby_names = '*'");
  await sql.unsafe("select pg_reload_conf()");
  await until(
    async () => (await sql.unsafe("select 1 from pg_stat_replication where sync_state = 'sync'")).length === 1,
    "the standby is synchronous",
  );
  await sql.end();
  storage = await openPostgres({ target: targetOf(bothOf()), log: silentLog, ...tools });
  storage.changes.subscribe((change) => void heard.push(change.kind));
}, 120_000);

afterAll(async () => {
  await storage?.close();
  for (const server of [first, second]) await server?.stop("immediate");
  for (const folder of folders) await rm(folder, { recursive: true });
});

describe("a primary and its standby", () => {
  test("a standby alone is refused by name at start, whether it was asked to write or not", async () => {
    const standby = second.urlOf("tokens");
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
    expect(await migratePostgres(targetOf(bothOf()), tools.random)).toBe("public");
  });

  test("the primary is used, wherever it stands in the list, and heard of", async () => {
    expect(await canWrite()).toBe(true);
    await until(() => storage.changes.isAlive(), "changes are heard of");
  });

  test("after the primary died the promoted one is found, with what was stored, LISTEN included", async () => {
    const once = { most: 1, windowSeconds: 3_600 };
    expect(await storage.rateLimits.count("failover", once)).toBe(0);
    await first.stop("immediate");
    await until(async () => !(await canWrite()), "nothing can be written");
    heard.length = 0;
    await second.promote();
    await until(canWrite, "the promoted one is written to", 20_000);
    // The last heartbeat of the one that died proves for a while that nothing was missed, which is true.
    await until(() => heard.includes("everything"), "whatever was missed counts as changed", 20_000);
    await until(() => storage.changes.isAlive(), "changes are heard of there", 20_000);
    expect(await storage.rateLimits.count("failover", once), "the first one is remembered").toBeGreaterThan(0);
    const sql = postgres(second.urlOf("tokens"), { max: 1 });
    const rows = await sql.unsafe("select application_name from pg_stat_activity where query ilike '%listen%'");
    await sql.end();
    expect(rows.length).toBeGreaterThan(0);
  });
});
