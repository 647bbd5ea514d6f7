import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../../errors.ts";
import { isLocal, type PostgresTarget, serversOf } from "../../postgres-target.ts";
import type { Log } from "../../world.ts";
import { databaseFailure, driverError, isUnavailable } from "../database-failure.ts";
import { stamp } from "../stamp.ts";
import { createStorage, type Storage, type StorageTools } from "../storage.ts";
import { listenForChanges } from "./changes.ts";
import { migratePostgres } from "./migrate.ts";
import { createPostgresPool } from "./pool.ts";
import { checkSession } from "./session-check.ts";
import { isLasting, startFailure } from "./start-failure.ts";
import { requireOneDatabase } from "./which-database.ts";

export interface PostgresOptions extends StorageTools {
  readonly target: PostgresTarget;
  /** A direct connection to the same database. Given, `target` is taken for a transaction pooler. */
  readonly direct?: PostgresTarget | undefined;
  readonly log: Log;
  /** Default 10. */
  readonly maxConnections?: number | undefined;
  /** How long an unreachable server is tried again before this fails. Default 10 s. */
  readonly openTimeoutMs?: number | undefined;
  /** Ends every wait for the server, and for others that migrate it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the database, migrates it (with any number of replicas at once) and stamps it.
 * @throws Error that names host, port and database, and what to check; never the password. The reason of `signal`.
 */
export async function openPostgres(options: PostgresOptions): Promise<Storage> {
  const { target, direct = target, random, log, maxConnections = 10, openTimeoutMs = 10_000, signal } = options;
  const pooled = direct !== target;
  warn(target, log);
  const patience = { giveUpAt: performance.now() + openTimeoutMs, random, signal };
  const onWait = (holderPid: number | undefined) => log.info({ holderPid }, "database.waiting_for_migration");
  const schema = await reach(direct, patience, () => migratePostgres(direct, random, { onWait, signal }));

  const pool = createPostgresPool({ target, maxConnections, pooled, schema, random, log });
  try {
    await reach(target, patience, () => stamp(pool, "postgres"));
    await reach(target, patience, () => checkSession(pool, pool.settings, target.session));
    if (pooled) await reach(direct, patience, () => requireOneDatabase(pool, { target: direct, random, log }));
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
  const far = serversOf(target).find(({ host }) => !isLocal(host));
  if (target.tls === undefined && far !== undefined) log.warn({ host: far.host }, "database.plain_text");
}

interface Patience {
  readonly giveUpAt: number;
  readonly random: (bytes: number) => Buffer;
  readonly signal: AbortSignal | undefined;
}

/** Tries again while the server cannot be reached; anything else is not cured by waiting. */
async function reach<T>(
  target: PostgresTarget,
  { giveUpAt, random, signal }: Patience,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await orAborted(work(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      const cause = driverError(error instanceof ServiceError ? error.cause : error);
      if (isLasting(cause)) throw startFailure(target, cause);
      if (!isUnavailable(cause)) throw databaseFailure(error);
      if (performance.now() >= giveUpAt) throw startFailure(target, cause);
    }
    await delay(100 + random(1).readUInt8(0), undefined, { signal });
  }
}

/** Waits no longer than until the signal. The work goes on unwatched. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  if (signal?.aborted === true) abort();
  signal?.addEventListener("abort", abort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
