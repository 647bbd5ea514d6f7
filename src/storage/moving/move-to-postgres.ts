import { existsSync } from "node:fs";
import { join } from "node:path";
import type { PGlite, Transaction } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { count, eq, sql } from "drizzle-orm/sql";
import type { PostgresTarget } from "../../postgres-target.ts";
import type { Queries } from "../database.ts";
import { keyName } from "../embedded/backup/copy.ts";
import { readKey } from "../embedded/directory-key.ts";
import { lockDataDirectory } from "../embedded/directory-lock.ts";
import { openEmbeddedFiles } from "../embedded/files.ts";
import { createPostgresClient } from "../postgres/client.ts";
import { migrateEmbedded, migratePostgres } from "../postgres/migrate.ts";
import { credentials, installations, meta, pendingInstalls } from "../schema.ts";
import { parseKeyRing } from "../seal/key-ring.ts";
import { movedStamp, stampKey } from "../stamp.ts";
import { copyTables, type OnCopied } from "./copy-tables.ts";
import { findKeyGap, readNeededKeys } from "./needed-keys.ts";

export interface MoveOptions {
  /** A `DATA_DIR` that no service uses. */
  readonly directory: string;
  /** A direct connection, as a role that may migrate. */
  readonly target: PostgresTarget;
  /** Ids of the keys that the service on Postgres will have. */
  readonly keyIds: readonly string[];
  /** Does all of it, and takes it back. */
  readonly dryRun: boolean;
  readonly now: () => Date;
  readonly random: (bytes: number) => Buffer;
  /** Told how far each table is, as its rows arrive. */
  readonly onCopied?: OnCopied;
}

export type Moved =
  /** Done before; nothing was done now. */
  | { readonly kind: "moved before" }
  | {
      readonly kind: "moved";
      readonly installations: readonly { readonly id: string; readonly platform: string }[];
      /** Rows by table. */
      readonly rows: Readonly<Record<string, number>>;
      /** Credentials that no key opens, there as here. */
      readonly unreadable: number;
    };

/** Every row is sent in one transaction, which takes what it takes. */
const limits = { statementMs: 600_000, lockMs: 3_000, idleInTransactionMs: 600_000 };

/**
 * Brings everything of an embedded database into a Postgres that has no installations yet, ids kept and sealed as it is, in
 * one transaction. From then on the data directory is refused by the service, since both would refresh the same grants.
 * Killed at any moment, it is run again.
 * @throws Error that says what to do.
 */
export async function moveToPostgres(options: MoveOptions): Promise<Moved> {
  const { directory, now } = options;
  const path = join(directory, "db");
  if (!existsSync(path)) throw new Error(`there is no embedded database in ${directory}`);
  const lock = await lockDataDirectory(directory, now);
  try {
    const { client: source } = await openEmbeddedFiles(path);
    try {
      await migrateEmbedded(drizzle(source));
      return await move(source, options);
    } finally {
      await source.close();
    }
  } finally {
    lock.release();
  }
}

async function move(source: PGlite, options: MoveOptions): Promise<Moved> {
  const { directory, target, keyIds, dryRun, now, random, onCopied = () => undefined } = options;
  const { rows } = await source.query<{ value: string }>("select value from meta where key = $1", [stampKey]);
  const kind = rows[0]?.value ?? "embedded";
  if (kind.startsWith(movedStamp)) return { kind: "moved before" };
  if (kind !== "embedded") throw new Error(`${directory} holds a copy of a Postgres database, which is not moved`);
  const id = await identify(source, random);
  const path = join(directory, keyName);
  const kept = await readKey(path);
  const ids = kept === undefined ? [] : parseKeyRing(kept).map((key) => key.id);

  const session = { limits, schema: await migratePostgres(target, random) };
  const client = createPostgresClient(target, { maxConnections: 1, connectTimeoutSeconds: 3, session, random });
  try {
    const moved = await source.transaction((from) =>
      client.db.transaction(async (to): Promise<Moved> => {
        await lockTables(to);
        if ((await readMeta(to, importedKey)) === id) return { kind: "moved before" };
        await checkEmpty(to);
        const needed = await readNeededKeys(from);
        const gap = findKeyGap(needed, keyIds, { path, ids });
        if (gap !== undefined) throw new Error(gap);
        const copied = await copyTables(from, to, onCopied);
        await to.insert(meta).values({ key: importedKey, value: id });
        const done = {
          kind: "moved",
          rows: copied,
          installations: await listInstallations(from),
          unreadable: await countUnreadable(from, keyIds),
        } as const;
        if (dryRun) throw new TakenBack(done);
        return done;
      }),
    );
    // Last: a death before this leaves a Postgres that says whose rows it has.
    if (!dryRun) {
      // A first start that was killed has left it without one.
      const stampedMoved = "insert into meta (key, value) values ($2, $1) on conflict (key) do update set value = $1";
      await source.query(stampedMoved, [movedStamp + now().toISOString(), stampKey]);
    }
    return moved;
  } catch (error) {
    if (error instanceof TakenBack) return error.moved;
    throw error;
  } finally {
    await client.end(5);
  }
}

/** Ends a transaction that did all of its work for the show. */
class TakenBack extends Error {
  readonly moved: Moved;

  constructor(moved: Moved) {
    super("taken back");
    this.moved = moved;
  }
}

const sourceKey = "database_id";
const importedKey = "imported_from";

/** A name of this database alone: that of its files is the same in all that were made from one image. */
async function identify(source: PGlite, random: MoveOptions["random"]): Promise<string> {
  const name = random(16).toString("hex");
  await source.query("insert into meta (key, value) values ($1, $2) on conflict do nothing", [sourceKey, name]);
  const { rows } = await source.query<{ value: string }>("select value from meta where key = $1", [sourceKey]);
  return rows[0]?.value ?? name;
}

/** Until the end of the transaction nobody else writes these: not another move, and no service that runs already. */
async function lockTables(to: Queries): Promise<void> {
  await to.execute(sql`lock table ${installations}, ${credentials}, ${pendingInstalls} in exclusive mode`);
}

async function checkEmpty(to: Queries): Promise<void> {
  for (const table of [installations, credentials, pendingInstalls]) {
    const [found] = await to.select({ rows: count() }).from(table);
    if ((found?.rows ?? 0) > 0) {
      throw new Error(
        "the Postgres database has installations of its own, and nothing is mixed or overwritten: use an empty database",
      );
    }
  }
}

async function readMeta(to: Queries, key: string): Promise<string | undefined> {
  const [row] = await to.select({ value: meta.value }).from(meta).where(eq(meta.key, key));
  return row?.value;
}

async function listInstallations(from: Transaction) {
  const { rows } = await from.query<{ id: string; platform: string }>(
    "select id, platform from installations order by created_at, id",
  );
  return rows;
}

async function countUnreadable(from: Transaction, keyIds: readonly string[]): Promise<number> {
  const { rows } = await from.query<{ rows: number }>(
    "select count(*)::int as rows from credentials where key_id is not null and not key_id = any($1)",
    [keyIds],
  );
  return rows[0]?.rows ?? 0;
}
