import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import type { DueQuery } from "../../src/domain/model/credential-repository.ts";
import { ServiceError } from "../../src/errors.ts";
import { createDueCredentials } from "../../src/storage/credentials/due.ts";
import type { Database } from "../../src/storage/database.ts";
import { createPostgresPool } from "../../src/storage/postgres/pool.ts";
import { createStorage } from "../../src/storage/storage.ts";
import { tokenSet } from "../contract/connections.ts";
import { createTestSealer, silentLog } from "../contract/harness.ts";
import { createTestDatabase } from "../support/database.ts";

const hourMs = 3_600_000;
/** More than a round looks at. */
const mostIdle = 2_200;

/** So many credentials that came due a minute ago, used by nobody, and one that came due before them and is in use. */
async function openFilled(idle = mostIdle) {
  const database = await createTestDatabase();
  const client = postgres(database.url, { max: 1, onnotice: () => undefined });
  const pool = createPostgresPool({
    ...{ target: targetOf(database.url), maxConnections: 2, pooled: false, random: randomBytes, log: silentLog },
  });
  onTestFinished(async () => {
    await pool.close();
    await client.end();
    await database.drop();
  });
  await client.unsafe(`
    insert into installations (id, platform, products, status, external_org_id, external_org_name, scopes, permissions,
        metadata, created_at, updated_at, last_used_at)
      select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'jira', array['jira'], 'active', n, n, '{}',
        '{}', '{}', now(), now(), case when n = 0 then now() end from generate_series(0, ${idle}) as n;
    insert into credentials (id, platform, kind, actor, subject, status, version, expires_at, refresh_after, scopes,
        permissions, failures, created_at, refreshed_at)
      select id, platform, 'rotating', 'user', external_org_id, 'active', 1, now() + interval '1 hour',
        now() - case when external_org_id = '0' then interval '2 minutes' else interval '1 minute' end, '{}', '{}', 0,
        now(), now() - interval '1 hour' from installations;
    insert into installation_credentials (installation_id, credential_id, actor, "natural")
      select id, id, 'user', true from installations;`);
  await client.unsafe("analyze");
  const storage = createStorage(
    pool,
    { sealer: createTestSealer(), now: () => new Date(), random: randomBytes },
    async () => undefined,
  );
  const query = (laterMs = 0): DueQuery => {
    const now = new Date(Date.now() + laterMs);
    const ago = (ms: number) => new Date(now.getTime() - ms);
    return {
      ...{ platform: "jira", now, limit: 200, registration: "own" },
      ...{ rotatingUsedSince: ago(24 * hourMs), mintedUsedSince: ago(hourMs), refreshedBefore: ago(720 * hourMs) },
    };
  };
  const due = async (laterMs = 0) => {
    const found = await storage.credentials.due(query(laterMs));
    return found.map(({ credential }) => credential.subject);
  };
  return { storage, client, pool, query, due };
}

test("what nobody used does not stand before what is in use, and comes back by use or once it has rested for too long", async () => {
  const { storage, client, due } = await openFilled();
  const passedOver = async () => {
    const [row] = await client<{ passed: number }[]>`
      select count(*)::int as passed from credentials where look_after > now() + interval '29 days'`;
    return row?.passed;
  };
  // How many a round looks at depends on how quick the database is.
  for (let rounds = 0; rounds < 30 && (await passedOver()) !== mostIdle; rounds++) {
    expect(["", "0"]).toContain((await due()).join());
  }
  expect(await passedOver()).toBe(mostIdle);
  expect(await due()).toEqual(["0"]);
  expect((await due(720 * hourMs)).length, "rested for too long").toBe(200);

  const id = "00000000-0000-4000-8000-000000000007";
  await storage.installations.recordUse(new Map([[id, new Date()]]));
  expect(await due(), "whoever uses it has it refreshed").toEqual(["0"]);
  const lease = await storage.credentials.acquire(id, 1, "attempt", 20_000);
  if (lease === undefined) throw new Error("not free");
  await storage.credentials.commit(lease, tokenSet("7"), new Date(Date.now() - 1_000));
  expect((await due()).sort()).toEqual(["0", "7"]);
});

test("fewer are looked at after a statement that did not come to its end, and more again after quick ones", async () => {
  const { pool, query } = await openFilled();
  const passed: unknown[] = [];
  let isSlow = true;
  const database: Database = {
    ...pool,
    async write(work) {
      if (isSlow) throw new ServiceError("SERVICE_UNAVAILABLE", "the database gave no answer in time");
      const result = await pool.write(work);
      passed.push(result);
      return result;
    },
  };
  const due = createDueCredentials(database, createTestSealer());
  await expect(due(query())).rejects.toThrow("no answer");
  await expect(due(query())).rejects.toThrow("no answer");
  isSlow = false;
  for (let rounds = 0; rounds < 30 && passed.at(-1) !== 0; rounds++) await due(query());
  const counts = passed.map(Number);
  expect(counts[0], "a quarter of the first hundred from each end, but the one in use").toBe(49);
  expect(Math.max(...counts)).toBeGreaterThan(49);
  expect(counts.reduce((sum, count) => sum + count)).toBe(mostIdle);
});

test("however much is due, a statement reads what it names and no more", async () => {
  const { pool, client, query } = await openFilled(20_000);
  await client.unsafe("select pg_stat_force_next_flush()");
  await client.unsafe("select pg_stat_reset()");
  let statements = 0;
  const database: Database = {
    ...pool,
    async write(work) {
      if (statements++ > 0) throw new ServiceError("SERVICE_UNAVAILABLE", "one is enough");
      return await pool.write(work);
    },
  };
  await expect(createDueCredentials(database, createTestSealer())(query())).rejects.toThrow("one is enough");
  await pool.close();
  const [read] = await client<{ rows: string }[]>`select seq_tup_read + idx_tup_fetch as rows
    from pg_stat_user_tables where relname = 'credentials'`;
  expect(Number(read?.rows), "a hundred, each a few times").toBeGreaterThan(99);
  expect(Number(read?.rows)).toBeLessThan(1_000);
});

test("what fails has its turn after the others, and another one next time", async () => {
  const { storage, client, due } = await openFilled();
  await client`update credentials set look_after = '9999-01-01' where subject not in ('0', '1')`;
  await client`update installations set last_used_at = now()`;
  await client`update credentials set failures = 1, look_after = now() - interval '1 minute' where subject = '1'`;
  expect(await due()).toEqual(["0", "1"]);
  const id = "00000000-0000-4000-8000-000000000000";
  const lease = await storage.credentials.acquire(id, 1, "attempt", 20_000);
  if (lease === undefined) throw new Error("not free");
  await storage.credentials.release(lease, { error: "unavailable", backoffMs: 0, unclear: false });
  await client`update credentials set expires_at = now() where subject = '0'`;
  const [first] = await client<{ subject: string }[]>`
    select subject from credentials where failures > 0 order by look_after limit 1`;
  expect(first?.subject, "who waits for longest").toBe("1");
});

test("a lease is taken and given back without a word to an index", async () => {
  const { storage, client, pool } = await openFilled();
  await client.unsafe("select pg_stat_reset()");
  const id = "00000000-0000-4000-8000-000000000007";
  for (let i = 0; i < 5; i++) {
    const lease = await storage.credentials.acquire(id, 1, `attempt-${i}`, 20_000);
    if (lease === undefined) throw new Error("not free");
    await storage.credentials.abandon(lease);
  }
  await pool.close();
  const [updates] = await client<{ all: string; hot: string }[]>`
    select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'credentials'`;
  expect(updates).toEqual({ all: "10", hot: "10" });
});

test("what is at rest for too long has its turn, however much comes due after it", async () => {
  const { client, due } = await openFilled();
  await client`update installations set last_used_at = now() where external_org_id <> '0'`;
  await client`update installations set last_used_at = null where external_org_id = '0'`;
  await client`update credentials set refreshed_at = now() - interval '31 days', look_after = now() - interval '1 day',
    refresh_after = now() - interval '31 days', expires_at = now() - interval '31 days' where subject = '0'`;
  expect(await due()).toContain("0");
});

test("what no key opens stands before nothing, and is looked at again", async () => {
  const { client, due } = await openFilled();
  await client`update installations set last_used_at = now()`;
  await client`update credentials set key_id = 'lost', expires_at = now() where subject <> '0'`;
  const away = async () => {
    const [row] = await client<{ rows: number }[]>`
      select count(*)::int as rows from credentials where look_after between now() and now() + interval '11 minutes'`;
    return row?.rows;
  };
  for (let rounds = 0; rounds < 30 && (await away()) !== mostIdle; rounds++) await due();
  expect(await away()).toBe(mostIdle);
  expect(await due()).toEqual(["0"]);
});
