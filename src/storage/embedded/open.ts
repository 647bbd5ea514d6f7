import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { PGlite } from "@electric-sql/pglite";
import { ServiceError } from "../../errors.ts";
import type { Log } from "../../world.ts";
import { createPublishedChanges } from "../changes.ts";
import type { Database } from "../database.ts";
import { databaseFailure } from "../database-failure.ts";
import { migrateEmbedded } from "../postgres/migrate.ts";
import { stamp } from "../stamp.ts";
import { createStorage, type Storage, type StorageTools } from "../storage.ts";
import { copyDatabase } from "./backup/copy.ts";
import type { TarEntry } from "./backup/tar.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { flushFolder, flushTree, flushWay } from "./flush.ts";
import { initialise } from "./initialise.ts";
import { keepRunning, type Program, type ProgramEvents } from "./keep-running.ts";
import { vacuumWorn } from "./vacuum.ts";

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
    await initialise(unfinished, options.log);
    await flushTree(unfinished);
    // The key has its name for good before a database has one that needs it.
    await flushWay(options.directory);
    await rename(unfinished, path);
  }
  // Also what an earlier start named, and was killed before it could flush.
  await flushFolder(options.directory);
  const changes = createPublishedChanges();
  const { directory, log } = options;
  const opened = await openEmbeddedDatabase(path, {
    changed: () => changes.publish({ kind: "history" }),
    ended({ code }) {
      log.error({ directory, code }, "database.stopped");
    },
    restarted() {
      log.warn({ directory }, "database.restarted");
      // Some of what failed may have happened.
      changes.publish({ kind: "everything" });
    },
  });
  const checkpoints = createCheckpoints(() => opened.client);
  return {
    ...createStorage(opened.database, options, opened.close, changes),
    async keepUp() {
      await checkpoints.keepUp();
      await vacuumWorn(opened.client);
    },
    copy: (keyInside) => checkpoints.during(copyDatabase({ ...options, client: opened.client, keyInside })),
  };
}

export interface EmbeddedDatabase {
  /** For statements beside the repositories; another one after it has ended itself. */
  readonly client: PGlite;
  readonly database: Database;
  readonly close: () => Promise<void>;
}

const untold: ProgramEvents = { changed: () => undefined, ended: () => undefined, restarted: () => undefined };

/** The database below the repositories, migrated and stamped; made if `path` is empty. */
export async function openEmbeddedDatabase(path: string, events = untold): Promise<EmbeddedDatabase> {
  const program = await keepRunning(path, events);
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= program.close());

  async function run<T>(work: (program: Program) => Promise<T>): Promise<T> {
    // It computes in this thread and waits for nothing: without a turn in between, work of many statements (pruning)
    // would let nobody be answered until its end.
    await nextTurn();
    if (closing !== undefined) throw new ServiceError("SERVICE_UNAVAILABLE", "the database is closed");
    try {
      return await program.use(work);
    } catch (error) {
      throw databaseFailure(error);
    }
  }
  const database: Database = {
    read: (work) => run(({ db }) => work(db)),
    write: (work) => run(({ db }) => work(db)),
    transaction: (work) => run(({ db }) => db.transaction((tx) => work(tx))),
  };
  try {
    await program.use(({ db }) => migrateEmbedded(db));
    await stamp(database, "embedded");
  } catch (error) {
    await close();
    throw databaseFailure(error);
  }
  return {
    get client() {
      return program.client;
    },
    database,
    close,
  };
}
