import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../errors.ts";
import { isLocal, type PostgresTarget } from "../postgres-target.ts";
import type { Log } from "../world.ts";
import { databaseFailure, driverError, errorCode, isUnavailable } from "./database-failure.ts";
import { migratePostgres } from "./migrate.ts";
import { listenForChanges } from "./postgres-changes.ts";
import { createPostgresPool } from "./postgres-pool.ts";
import { stamp } from "./stamp.ts";
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
      if (!isUnavailable(cause)) throw databaseFailure(error);
      const code = errorCode(cause) ?? "no answer";
      if (performance.now() >= giveUpAt || isLasting(code)) throw unreachable(target, code, cause);
    }
    await delay(100 + random(1).readUInt8(0));
  }
}

/** Wrong password or user, missing database or right, untrusted certificate: waiting does not help. */
function isLasting(code: string): boolean {
  return /^(28...|3D000|42501|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL)/.test(code);
}

function unreachable(target: PostgresTarget, code: string, cause: unknown): Error {
  const { host, port, database, user } = target;
  const place = `host ${host}, port ${port}, database ${database}`;
  const account = user === undefined ? "the user" : `user ${user}`;
  return new Error(`cannot use the database (${place}): ${code}: ${advice(code, account)}`, { cause });
}

function advice(code: string, account: string): string {
  if (/^28/.test(code)) return `the server does not accept ${account}; check user and password in DATABASE_URL`;
  if (code === "3D000") return "there is no such database; create it, or correct DATABASE_URL";
  if (code === "42501") return `${account} lacks a right; let it create schemas and tables, or migrate as the owner`;
  if (/^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS)/.test(code)) {
    return "the server's certificate is not trusted; name its CA with sslrootcert in DATABASE_URL";
  }
  if (/^ERR_SSL/.test(code)) return "the server does not speak TLS; check sslmode in DATABASE_URL";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the host name does not resolve; check DATABASE_URL";
  return "check that Postgres runs there and accepts connections from here, and DATABASE_URL";
}
