import { randomBytes, randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { sightOfEverything } from "../../src/domain/access/access.ts";
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
  const read = async (table: string) => {
    const [row] = await client<{ rows: string }[]>`select seq_tup_read + idx_tup_fetch as rows
      from pg_stat_user_tables where relname = ${table}`;
    const [index] = await client<{ rows: string }[]>`select sum(idx_tup_read) as rows
      from pg_stat_user_indexes where relname = ${table}`;
    return Number(row?.rows) + Number(index?.rows);
  };
  expect(await read("webhook_deliveries")).toBeLessThan(100);
  expect(await read("installations")).toBeLessThan(100);
});
