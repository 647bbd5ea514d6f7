import { setTimeout as delay } from "node:timers/promises";
import type { PgliteDatabase } from "drizzle-orm/pglite";
import { sql } from "drizzle-orm/sql";
import type { PostgresTarget } from "../../postgres-target.ts";
import type { Queries } from "../database.ts";
import { within } from "../deadline.ts";
import { applyMigrations, findMigrated } from "../migrations.ts";
import { createPostgresClient } from "./client.ts";
import { findServer } from "./find-server.ts";
import { requireWritable } from "./only-reads.ts";

/** Names our lock among the advisory locks of the database. */
const lockKey = 0x6f617574;
/** How long one replica waits for another's migration, how often it looks, and how often it says so. */
const lockWait = { endMs: 120_000, lookMs: 200, sayMs: 10_000 };
/** For everything but the migrations themselves, which take what they take. */
const answerMs = 5_000;

/** How to wait for another process that migrates. */
export interface Waiting {
  /** Told at once and every 10 s, with the process of the database that is waited for. */
  readonly onWait?: ((holderPid: number | undefined) => void) | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings a Postgres database up to this version's schema, and returns the name of the Postgres schema it is in. Any number
 * of processes may do so at once: one migrates, the others wait for it. `target` must be a direct connection.
 * @throws Error if the database was already migrated by a newer version; the reason of `signal`.
 */
export async function migratePostgres(
  target: PostgresTarget,
  random: (bytes: number) => Buffer,
  waiting: Waiting = {},
): Promise<string> {
  await findServer(target, random);
  const client = createPostgresClient(target, {
    maxConnections: 1,
    connectTimeoutSeconds: 3,
    session: { limits: { statementMs: 0, lockMs: lockWait.endMs, idleInTransactionMs: 0 }, schema: undefined },
    random,
  });
  const { db } = client;
  try {
    // A standby has the migrations too, and nothing else of what this connection is named for.
    await within(answerMs, requireWritable(db));
    const schema = await within(answerMs, findMigrated(db));
    return schema ?? (await migrateInTurn(db, target.session.search_path !== undefined, waiting));
  } finally {
    await client.end(1);
  }
}

/** The same for the embedded database, which has one process only. */
export async function migrateEmbedded(db: PgliteDatabase): Promise<void> {
  if ((await findMigrated(db)) === undefined) await db.transaction((tx) => applyMigrations(tx));
}

/** Looks for the lock again and again: whoever waits in the database holds back others there, and hears no signal. */
async function migrateInTurn(db: Queries, isNamed: boolean, { onWait, signal }: Waiting): Promise<string> {
  const startedAt = performance.now();
  let saidAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const schema = await db.transaction(async (tx) => ((await lock(tx)) ? applyMigrations(tx, isNamed) : undefined));
    if (schema !== undefined) return schema;
    const now = performance.now();
    const holder = await findHolder(db);
    if (now - startedAt > lockWait.endMs) {
      throw new Error(`another process migrates the database, and was not done in time (its backend: ${holder})`);
    }
    if (now - saidAt >= lockWait.sayMs) {
      onWait?.(holder);
      saidAt = now;
    }
    await delay(lockWait.lookMs, undefined, { signal });
  }
}

/** Until the end of the transaction, if no other has it. */
async function lock(tx: Queries): Promise<boolean> {
  const [found] = await tx.select({ locked: sql<boolean>`pg_try_advisory_xact_lock(${lockKey})` }).from(one);
  return found?.locked === true;
}

async function findHolder(db: Queries): Promise<number | undefined> {
  const [found] = await db
    .select({ pid: sql<number>`pid` })
    .from(sql`pg_catalog.pg_locks`)
    .where(
      sql`locktype = 'advisory' and granted and classid = 0 and objid = ${lockKey}::oid
        and database = (select oid from pg_catalog.pg_database where datname = current_database())`,
    );
  return found?.pid;
}

const one = sql`(select 1) as one`;
