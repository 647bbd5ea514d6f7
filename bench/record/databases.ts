import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import postgres from "postgres";
import { targetOf } from "../../rig/postgres-target.ts";
import { createTestWorld } from "../../rig/world.ts";
import type { Closers } from "../../src/closers.ts";
import type { Database } from "../../src/storage/database.ts";
import { openEmbeddedDatabase } from "../../src/storage/embedded/open.ts";
import { migratePostgres } from "../../src/storage/postgres/migrate.ts";
import { createPostgresPool } from "../../src/storage/postgres/pool.ts";
import { openForReseal } from "../../src/storage/resealing/postgres.ts";
import { auditChains } from "../../src/storage/schema.ts";
import type { Signer } from "../../src/storage/seal/signer.ts";
import { columns, createRecord } from "./seed-record.ts";

/** A database with a record in it. */
export interface SeededRecord {
  readonly rows: number;
  /** As the service speaks to it. */
  readonly database: Database;
  /** As the operator's command does, which may wait for longer. */
  readonly forVerifying: Database;
  /** Of table and indexes. */
  readonly bytes: number;
}

/** Indexes but that of the primary key, which are built in one go once the rows are there. */
const otherIndexes = `select pg_get_indexdef(indexrelid) as definition, indexrelid::regclass::text as name
  from pg_index where indrelid = 'audit_events'::regclass and not indisprimary`;
const size = "select pg_total_relation_size('audit_events')::float8 as bytes";

export async function seedOnPostgres(
  url: string,
  rows: number,
  signer: Signer,
  closers: Closers,
): Promise<SeededRecord> {
  await migratePostgres(targetOf(url), randomBytes);
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  closers.add("seeding", () => sql.end());
  const record = createRecord(rows, signer);
  await sql.unsafe("set synchronous_commit = off");
  const indexes = await sql.unsafe<{ name: string; definition: string }[]>(otherIndexes);
  for (const { name } of indexes) await sql.unsafe(`drop index ${name}`);
  await pipeline(
    Readable.from(inBlocks(record.lines())),
    await sql`copy audit_events (${sql.unsafe(columns)}) from stdin`.writable(),
  );
  for (const { definition } of indexes) await sql.unsafe(definition);
  const { log } = createTestWorld();
  const target = targetOf(url);
  const pool = createPostgresPool({ target, maxConnections: 10, pooled: false, random: randomBytes, log });
  closers.add("pool", pool.close);
  const operator = await openForReseal(target, randomBytes);
  closers.add("operator", operator.close);
  await insertHeads(operator.database, record.heads);
  await sql.unsafe("vacuum analyze audit_events, audit_chains");
  const [found] = await sql.unsafe<{ bytes: number }[]>(size);
  return { rows, database: pool, forVerifying: operator.database, bytes: found?.bytes ?? 0 };
}

export async function seedEmbedded(
  path: string,
  rows: number,
  signer: Signer,
  closers: Closers,
): Promise<SeededRecord> {
  const { client, database, close } = await openEmbeddedDatabase(path);
  closers.add("embedded database", close);
  const record = createRecord(rows, signer);
  const indexes = (await client.query<{ name: string; definition: string }>(otherIndexes)).rows;
  for (const { name } of indexes) await client.exec(`drop index ${name}`);
  for (const block of inBlocks(record.lines())) {
    await client.query(`copy audit_events (${columns}) from '/dev/blob'`, [], { blob: new Blob([block]) });
  }
  for (const { definition } of indexes) await client.exec(definition);
  await insertHeads(database, record.heads);
  await client.exec("vacuum analyze");
  const [found] = (await client.query<{ bytes: number }>(size)).rows;
  return { rows, database, forVerifying: database, bytes: found?.bytes ?? 0 };
}

async function insertHeads(database: Database, heads: ReturnType<typeof createRecord>["heads"]): Promise<void> {
  await database.write((db) => db.insert(auditChains).values(heads.map((head) => ({ ...head, prunedSequence: 0 }))));
}

/** Lines by the thousand. */
function* inBlocks(lines: Iterable<string>): Generator<string> {
  let block: string[] = [];
  for (const line of lines) {
    block.push(line);
    if (block.length < 1_000) continue;
    yield block.join("");
    block = [];
  }
  yield block.join("");
}
