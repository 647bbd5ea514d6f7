import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { ServiceError } from "../../errors.ts";
import type { Log } from "../../world.ts";
import type { Database, Queries } from "../database.ts";
import { databaseFailure } from "../database-failure.ts";
import { migrateEmbedded } from "../postgres/migrate.ts";
import { stamp } from "../stamp.ts";
import { createStorage, type Storage, type StorageTools } from "../storage.ts";
import { copyDatabase } from "./backup/copy.ts";
import type { TarEntry } from "./backup/tar.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { openEmbeddedFiles } from "./files.ts";
import { flushFolder, flushTree, flushWay } from "./flush.ts";

export interface EmbeddedStorage extends Storage {
  /** A copy of all of it while it is used, as the entries of a backup; one at a time. */
  copy(keyInside: boolean): AsyncIterable<TarEntry>;
}

export interface EmbeddedOptions extends StorageTools {
  /** `DATA_DIR`. The caller holds its lock: a second process would corrupt the database. */
  readonly directory: string;
  readonly log: Log;
}

/**
 * Opens the embedded database in `<directory>/db`. The first time it is made next to that and moved there when it is
 * complete, so that a start that was killed, or lost its power, leaves nothing half made.
 * @throws Error if the directory holds a copy of a Postgres database, or one of another version, or a damaged one.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedStorage> {
  const path = join(options.directory, "db");
  const unfinished = join(options.directory, "db.initializing");
  await rm(unfinished, { recursive: true, force: true });
  if (!existsSync(path)) {
    options.log.info({ directory: options.directory }, "database.initializing");
    await mkdir(unfinished, { recursive: true, mode: 0o700 });
    await (await openEmbeddedDatabase(unfinished)).close();
    await flushTree(unfinished);
    // The key has its name for good before a database has one that needs it.
    await flushWay(options.directory);
    await rename(unfinished, path);
  }
  // Also what an earlier start named, and was killed before it could flush.
  await flushFolder(options.directory);
  const { client, database, close } = await openEmbeddedDatabase(path);
  const checkpoints = createCheckpoints(client);
  return {
    ...createStorage(database, options, close),
    keepUp: checkpoints.keepUp,
    copy: (keyInside) => checkpoints.during(copyDatabase({ ...options, client, keyInside })),
  };
}

export interface EmbeddedDatabase {
  readonly client: PGlite;
  readonly database: Database;
  readonly close: () => Promise<void>;
}

/** The database below the repositories, migrated and stamped; made if `path` is empty. */
export async function openEmbeddedDatabase(path: string): Promise<EmbeddedDatabase> {
  const client = await openEmbeddedFiles(path);
  const db = drizzle(client);
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= client.close());

  async function run<T>(work: (db: Queries) => Promise<T>): Promise<T> {
    if (closing !== undefined) throw new ServiceError("SERVICE_UNAVAILABLE", "the database is closed");
    try {
      return await work(db);
    } catch (error) {
      throw databaseFailure(error);
    }
  }
  const database: Database = {
    read: run,
    write: run,
    transaction: (work) => run(() => db.transaction((tx) => work(tx))),
  };
  try {
    await migrateEmbedded(db);
    await stamp(database, "embedded");
  } catch (error) {
    await close();
    throw databaseFailure(error);
  }
  return { client, database, close };
}
