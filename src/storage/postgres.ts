import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../errors.ts";
import { isLocal, type PostgresTarget } from "../postgres-target.ts";
import type { Log } from "../world.ts";
import { databaseFailure, driverError, isUnavailable } from "./database-failure.ts";
import { migratePostgres } from "./migrate.ts";
import { listenForChanges } from "./postgres-changes.ts";
import { createPostgresPool } from "./postgres-pool.ts";
import { stamp } from "./stamp.ts";
import { isLasting, startFailure } from "./start-failure.ts";
import { createStorage, type Storage, type StorageTools } from "./storage.ts";

export interface PostgresOptions extends StorageTools {
  readonly target: PostgresTarget;
  /** A direct connection to the same database. Given, `target` is taken for a transaction pooler. */
  readonly direct?: PostgresTarget | undefined;
  readonly log: Log;
  /** Default 10. */
  readonly maxConnections?: number | undefined;
  /** How long an unreachable server is tried again before this fails. Default 10 s. */
  readonly openTimeoutMs?: number | undefined;
}

/**
 * Opens the database, migrates it (with any number of replicas at once) and stamps it.
 * @throws Error that names host, port and database, and what to check; never the password.
 */
export async function openPostgres(options: PostgresOptions): Promise<Storage> {
  const { target, direct = target, random, log, maxConnections = 10, openTimeoutMs = 10_000 } = options;
  const pooled = direct !== target;
  warn(target, log);
  const giveUpAt = performance.now() + openTimeoutMs;
  await reach(direct, giveUpAt, random, () => migratePostgres(direct, random));

  const pool = createPostgresPool({ target, maxConnections, pooled, random, log });
  try {
    await reach(target, giveUpAt, random, () => stamp(pool, "postgres"));
  } catch (error) {
    await pool.close();
    throw error;
  }
  const changes = listenForChanges({ target: direct, random, log });
  const close = async () => {
    await changes.close();
    await pool.close();
  };
  return createStorage(pool, options, close, changes);
}

function warn(target: PostgresTarget, log: Log): void {
  if (target.ignored.length > 0) log.warn({ parameters: target.ignored }, "database.url_parameters_ignored");
  if (target.tls === undefined && !isLocal(target.host)) log.warn({ host: target.host }, "database.plain_text");
}

/** Tries again while the server cannot be reached; anything else is not cured by waiting. */
async function reach<T>(
  target: PostgresTarget,
  giveUpAt: number,
  random: (bytes: number) => Buffer,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const cause = driverError(error instanceof ServiceError ? error.cause : error);
      if (isLasting(cause)) throw startFailure(target, cause);
      if (!isUnavailable(cause)) throw databaseFailure(error);
      if (performance.now() >= giveUpAt) throw startFailure(target, cause);
    }
    await delay(100 + random(1).readUInt8(0));
  }
}
