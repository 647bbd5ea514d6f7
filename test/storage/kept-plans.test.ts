import { randomBytes, randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import type { Source } from "../../src/domain/health/concern-repository.ts";
import { createPostgresPool } from "../../src/storage/postgres/pool.ts";
import { createStorage } from "../../src/storage/storage.ts";
import { createTestSealer, silentLog } from "../contract/harness.ts";
import { createTestDatabase } from "../support/database.ts";

const rows = 2_000;

test("pages are planned once for a connection, however many installations there are", async () => {
  const database = await createTestDatabase();
  const target = targetOf(database.url);
  const pool = createPostgresPool({ target, maxConnections: 1, pooled: false, random: randomBytes, log: silentLog });
  onTestFinished(async () => {
    await pool.close();
    await database.drop();
  });
  const tools = { sealer: createTestSealer(), now: () => new Date(), random: randomBytes };
  const { installations } = createStorage(pool, tools, async () => undefined);
  const client = postgres(database.url, { max: 1, onnotice: () => undefined });
  await client.unsafe(`insert into installations (id, platform, products, status, owner, external_org_id,
      external_org_name, scopes, permissions, metadata, created_at, updated_at)
    select gen_random_uuid(), 'slack', array['slack'], 'active', 'owner-' || n % 2, n, n, '{}', '{}', '{}',
      now() + n * interval '1 second', now() from generate_series(1, ${rows}) as n`);
  await client.unsafe("analyze");
  await client.end();

  for (let i = 0; i < 8; i++) {
    for (const limit of [7, 51, 60]) {
      const page = await installations.list({ owner: "owner-1" }, sightOfEverything, undefined, limit);
      expect(page).toHaveLength(limit);
    }
    await installations.list({ platform: "slack" }, sightOfEverything, undefined, 51);
  }

  const kept = await pool.read((db) =>
    db
      .select({ text: sql<string>`statement`, generic: sql<string>`generic_plans` })
      .from(sql`pg_prepared_statements`)
      .where(sql`statement like '%from "installations"%'`),
  );
  // Pages of 7 and of 51 are one statement.
  expect(kept).toHaveLength(3);
  expect(kept.filter(({ generic }) => Number(generic) === 0)).toEqual([]);
});

test("look-ups by id are planned once for a connection, however many share one", async () => {
  const database = await createTestDatabase();
  const target = targetOf(database.url);
  const pool = createPostgresPool({ target, maxConnections: 1, pooled: false, random: randomBytes, log: silentLog });
  onTestFinished(async () => {
    await pool.close();
    await database.drop();
  });
  const tools = { sealer: createTestSealer(), now: () => new Date(), random: randomBytes };
  const { installations } = createStorage(pool, tools, async () => undefined);
  const lookUp = () => installations.select({ installationId: randomUUID() }, sightOfEverything, 2);

  for (let i = 0; i < 8; i++) await lookUp();
  for (let i = 0; i < 8; i++) await Promise.all(Array.from({ length: 10 }, lookUp));

  const kept = await pool.read((db) =>
    db
      .select({ custom: sql<string>`custom_plans` })
      .from(sql`pg_prepared_statements`)
      .where(sql`statement like '%from "installations"%'`),
  );
  // Five are tried before one is kept.
  expect(kept).toEqual([{ custom: "5" }]);
});

test("what waits, and what is old, is found without looking at the rest", async () => {
  const database = await createTestDatabase();
  const target = targetOf(database.url);
  const pool = createPostgresPool({ target, maxConnections: 1, pooled: false, random: randomBytes, log: silentLog });
  const client = postgres(database.url, { max: 1, onnotice: () => undefined });
  onTestFinished(async () => {
    await client.end();
    await database.drop();
  });
  const tools = { sealer: createTestSealer(), now: () => new Date(), random: randomBytes };
  const { deliveries, questions } = createStorage(pool, tools, async () => undefined);
  await client.unsafe(`insert into webhook_deliveries
      (platform, delivery_id, id, type, status, content, key_id, attempts, due_at, received_at)
    select 'github', n, gen_random_uuid(), 'github.issues', 'forward', 'sealed', '${tools.sealer.keyIds[0]}', 1,
      now() + interval '1 hour', now() from generate_series(1, 20000) as n`);
  await client.unsafe(`insert into installations (id, platform, products, status, external_org_id, external_org_name,
      scopes, permissions, metadata, created_at, updated_at, question, ask_after)
    select gen_random_uuid(), 'github', array['github'], 'active', n, n, '{}', '{}', '{}', now(), now(),
      '{"id": "one", "about": "routine", "tries": 0, "contradicted": false}', now() + interval '1 hour'
    from generate_series(1, 20000) as n`);
  await client.unsafe("analyze");
  await client.unsafe("select pg_stat_reset()");
  expect(await deliveries.take("forward", { rows: 8, bytes: 1e6 }, 11_000)).toEqual([]);
  await deliveries.prune(7 * 86_400_000);
  expect(await questions.due()).toEqual([]);
  expect(await questions.take("github", 50, 5_000)).toEqual([]);
  // What a connection counted is known once it has ended.
  await pool.close();
  expect(await rowsRead(client, "webhook_deliveries")).toBeLessThan(100);
  expect(await rowsRead(client, "installations")).toBeLessThan(100);
});

/** Rows and entries of indexes that were looked at since statistics were reset. */
async function rowsRead(client: postgres.Sql, table: string): Promise<number> {
  const [row] = await client<{ rows: string }[]>`select seq_tup_read + idx_tup_fetch as rows
    from pg_stat_user_tables where relname = ${table}`;
  const [index] = await client<{ rows: string }[]>`select sum(idx_tup_read) as rows
    from pg_stat_user_indexes where relname = ${table}`;
  return Number(row?.rows) + Number(index?.rows);
}

test("what needs a person is found without looking at what does not, also far down a long list", async () => {
  const database = await createTestDatabase();
  const target = targetOf(database.url);
  const pool = createPostgresPool({ target, maxConnections: 1, pooled: false, random: randomBytes, log: silentLog });
  const client = postgres(database.url, { max: 1, onnotice: () => undefined });
  onTestFinished(async () => {
    await client.end();
    await database.drop();
  });
  const tools = { sealer: createTestSealer(), now: () => new Date(), random: randomBytes };
  const { concerns } = createStorage(pool, tools, async () => undefined);
  // Every tenth has stopped, and is known to have; the others are fine.
  await client.unsafe(`insert into installations (id, platform, products, status, external_org_id, external_org_name,
      scopes, permissions, metadata, created_at, updated_at)
    select md5(n::text)::uuid, 'jira', array['jira'], case when n % 10 = 0 then 'suspended' else 'active' end, n, n, '{}',
      '{}', '{}', now() - n * interval '1 second', now() from generate_series(1, 3000) as n`);
  await client.unsafe(`insert into concerns (installation_id, kind, id, platform, since, noted_at)
    select md5(n::text)::uuid, 'suspended', gen_random_uuid(), 'jira', now(), now() from generate_series(10, 3000, 10) as n`);
  await client.unsafe(`insert into credentials (id, platform, kind, actor, subject, status, version, scopes, permissions,
      failures, refreshed_at, proven_at, grant_expires_at, created_at)
    select gen_random_uuid(), 'jira', 'rotating', 'user', n, 'active', 1, '{}', '{}', 0, now(), now(),
      now() + interval '300 days', now() from generate_series(1, 3000) as n`);
  await client.unsafe(`insert into webhooks (subject, platform, installation_id, registered)
    select id::text, 'jira', id, true from installations`);
  await client.unsafe("analyze");
  await client.unsafe("select pg_stat_reset()");
  const before = new Date(Date.now() - 3_600_000);
  const sources: readonly Source[] = [
    { key: "", kind: "noted" },
    { key: "", kind: "status", status: "suspended" },
    { key: "", kind: "status", status: "reauthorization_required" },
    { key: "", kind: "ending", before: new Date() },
    { key: "", kind: "resting", platform: "jira", before },
    { key: "", kind: "failing", platform: "jira", before },
    { key: "", kind: "webhooks" },
  ];
  for (const source of sources) {
    const first = await concerns.suspects(source, undefined, 50);
    const second = first.next ? await concerns.suspects(source, first.next, 50) : undefined;
    const third = second?.next ? await concerns.suspects(source, second.next, 50) : undefined;
    expect([source.kind, third?.ids.length]).toEqual([source.kind, first.next && 50]);
  }
  await concerns.lastProven(["jira", "slack"]);
  await pool.close();
  for (const table of ["installations", "credentials", "webhooks", "concerns"]) {
    expect([table, (await rowsRead(client, table)) < 700]).toEqual([table, true]);
  }
});
