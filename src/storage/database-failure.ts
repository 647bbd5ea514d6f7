import { DrizzleError, DrizzleQueryError } from "drizzle-orm/errors";
import { ServiceError } from "../errors.ts";
import { DeadlineExceeded } from "./deadline.ts";

/** When a caller may ask again after the database failed. */
const retryAfterMs = 1_000;

/**
 * What a repository call rejects with. An unreachable database is SERVICE_UNAVAILABLE; everything else is a bug.
 * drizzle's own messages repeat the bound values and are dropped: only the driver's error is kept as the cause.
 */
export function databaseFailure(error: unknown): Error {
  if (error instanceof ServiceError) return error;
  const cause = driverError(error);
  if (isUnavailable(cause)) {
    return new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached", { retryAfterMs, cause });
  }
  const code = errorCode(cause);
  if (cause === error && code === undefined && error instanceof Error) return error;
  return new Error(`a database statement failed${code === undefined ? "" : ` (${code})`}`, { cause });
}

/** The error of the driver below drizzle's. */
export function driverError(error: unknown): unknown {
  if (error instanceof DrizzleQueryError) return error.cause;
  if (error instanceof DrizzleError) return error.cause ?? error;
  return error;
}

/** SQLSTATE of the server's errors, otherwise the code of the driver or of Node. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Whether the failure is the connection's, the server's or the time's, and not the statement's. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof DeadlineExceeded) return true;
  const code = errorCode(error);
  if (code === undefined) return false;
  // Only the server's own errors have a severity; EPIPE looks like a SQLSTATE too.
  const fromServer = typeof error === "object" && error !== null && "severity" in error;
  return fromServer ? unavailableStates.test(code) : connectionCodes.test(code);
}

/**
 * PostgreSQL appendix A: connection (08), authorization (28), resources (53), operator intervention (57), system
 * errors (58), serialization and deadlock (40), lock and idle timeouts, a read-only standby, missing database or right.
 */
const unavailableStates = /^(08...|28...|53...|57...|58...|40001|40P01|55P03|25P03|25006|3D000|42501)$/;

/** Codes of postgres.js, of Node's sockets and resolver, and of TLS. */
const connectionCodes =
  /^(CONNECT|CONNECTION_|SASL_|E(CONN|PIPE|TIMEDOUT|HOST|NET|ADDR|NOTFOUND|AI_|ACCES|PERM|NOENT|MFILE|PROTO)|ERR_(SSL|TLS|SOCKET|STREAM)|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;
