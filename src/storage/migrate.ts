import { fileURLToPath } from "node:url";
import { readMigrationFiles } from "drizzle-orm/migrator";
import type { PgliteDatabase } from "drizzle-orm/pglite";
import { migrate as migratePglite } from "drizzle-orm/pglite/migrator";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate } from "drizzle-orm/postgres-js/migrator";
import { sql } from "drizzle-orm/sql";
import type { PostgresTarget } from "../postgres-target.ts";
import type { Queries } from "./database.ts";
import { within } from "./deadline.ts";
import { createPostgresClient } from "./postgres-client.ts";

const folder = { migrationsFolder: fileURLToPath(new URL("./migrations", import.meta.url)) };
/** Names our lock among the advisory locks of the database. */
const lockKey = 0x6f617574;
/** How long one replica waits for another's migration. */
const lockWaitMs = 120_000;
/** For everything but the migrations themselves, which take what they take. */
const answerMs = 5_000;

/**
 * Brings a Postgres database up to this version's schema. Any number of processes may do so at once: one migrates, the
 * others wait for it. `target` must be a direct connection, since the lock belongs to a session.
 * @throws Error if the database was already migrated by a newer version.
 */
export async function migratePostgres(target: PostgresTarget, random: (bytes: number) => Buffer): Promise<void> {
  const client = createPostgresClient(target, {
    maxConnections: 1,
    connectTimeoutSeconds: 3,
    limits: { statementMs: 0, lockMs: lockWaitMs, idleInTransactionMs: 0 },
    random,
  });
  try {
    const db = drizzle(client.sql);
    if (await within(answerMs, isCurrent(db))) return;
    const lock = db.select({ locked: sql`pg_advisory_lock(${lockKey})` }).from(one);
    await within(lockWaitMs + answerMs, lock.execute());
    if (!(await within(answerMs, isCurrent(db)))) await migrate(db, folder);
  } finally {
    await client.end(1);
  }
}

/** The same for the embedded database, which has one process only. */
export async function migrateEmbedded(db: PgliteDatabase): Promise<void> {
  if (!(await isCurrent(db))) await migratePglite(db, folder);
}

const one = sql`(select 1) as one`;
const journal = sql`drizzle.__drizzle_migrations`;

/** Asking first spares the service the right to create schemas in a database that was migrated for it. */
async function isCurrent(db: Queries): Promise<boolean> {
  const known = Math.max(...readMigrationFiles(folder).map((migration) => migration.folderMillis));
  const journalName = "drizzle.__drizzle_migrations";
  const [found] = await db.select({ exists: sql<boolean>`to_regclass(${journalName}) is not null` }).from(one);
  if (found?.exists !== true) return false;
  const [last] = await db.select({ applied: sql`max(created_at)`.mapWith(Number) }).from(journal);
  const applied = last?.applied ?? 0;
  if (applied > known) {
    throw new Error(
      "the database was migrated by a newer version of this service: run that version, or restore an older backup",
    );
  }
  return applied === known;
}
