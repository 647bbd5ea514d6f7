import { DrizzleError, DrizzleQueryError } from "drizzle-orm/errors";
import { ServiceError } from "../errors.ts";
import { DeadlineExceeded } from "./deadline.ts";

/** When a caller may ask again after the database failed. */
const retryAfterMs = 1_000;

/** What a connection brought is no answer in the database's protocol. */
export class Unintelligible extends Error {
  constructor(cause: unknown) {
    super("what the connection brought is no answer of a database", { cause });
    this.name = "Unintelligible";
  }
}

/**
 * What a repository call rejects with. What is not about the statement itself is SERVICE_UNAVAILABLE, whoever says it:
 * the database, a pooler or a proxy before it, a socket. Everything else is a bug.
 * drizzle's own messages repeat the bound values and are dropped: only the driver's error is kept as the cause.
 */
export function databaseFailure(error: unknown): Error {
  if (error instanceof ServiceError) return error;
  const cause = driverError(error);
  if (isUnavailable(cause)) {
    const message = isFull(cause) ? "the disk of the database is full" : "the database cannot be reached";
    return new ServiceError("SERVICE_UNAVAILABLE", message, { retryAfterMs, cause });
  }
  const code = errorCode(cause);
  if (cause === error && code === undefined && error instanceof Error) return error;
  return new Error(`a database statement failed${code === undefined ? "" : ` (${code})`}`, { cause });
}

/** Whether it is about a disk without room: disk_full, in the database's words and the system's. */
export function isFull(error: unknown): boolean {
  return ["53100", "ENOSPC", "EDQUOT"].includes(errorCode(error) ?? "");
}

/** The error of the driver below drizzle's and ours. */
export function driverError(error: unknown): unknown {
  if (error instanceof DrizzleQueryError || error instanceof ServiceError) return error.cause;
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
  if (error instanceof DeadlineExceeded || error instanceof Unintelligible) return true;
  const code = errorCode(error);
  const severity = severityOf(error);
  if (severity === undefined) return code !== undefined && connectionCodes.test(code);
  // Nobody ends a connection over a statement.
  if (severity === "FATAL" || severity === "PANIC") return true;
  return code === undefined || !statementStates.test(code) || circumstances.test(code);
}

/**
 * Whether other connections may do better: this server takes no writes (any more), is going down or comes up, or what
 * speaks there is no database.
 */
export function isWrongNode(error: unknown): boolean {
  if (error instanceof Unintelligible) return true;
  return severityOf(error) !== undefined && /^(25006|55000|57P0[123])$/.test(errorCode(error) ?? "");
}

/** Only who speaks the database's protocol has a severity. Poolers leave out the field that Postgres added in 9.6. */
function severityOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const said = "severity" in error ? error.severity : "severity_local" in error ? error.severity_local : undefined;
  if (typeof said === "string") return said;
  return error instanceof Error && error.name === "PostgresError" ? "ERROR" : undefined;
}

/**
 * PostgreSQL appendix A, what is about a statement and its values: features (0A) and grants (0L, 0P), cardinality to
 * transaction state (21 to 28 without 28), names and cursors (26, 34, 3F), routines (2F, 38, 39), checks (44), syntax and
 * access (42), limits (54), functions of ours (P0).
 */
const statementStates = /^(0A|0L|0P|2[1-7]|2[BDF]|34|38|39|3B|3F|42|44|54|F0|HV|P0)/;
/** Among them: a read-only or forgetful server, time-outs of the session, a prepared statement lost by a pooler, a missing right. */
const circumstances = /^(25006|25P03|25P04|26000|42P05|42501)$/;

/** Codes of postgres.js, of Node's sockets and resolver, and of TLS. */
const connectionCodes =
  /^(CONNECT|CONNECTION_|SASL_|MESSAGE_NOT|E(CONN|PIPE|TIMEDOUT|HOST|NET|ADDR|NOTFOUND|AI_|ACCES|PERM|NOENT|MFILE|PROTO)|ERR_(SSL|TLS|SOCKET|STREAM)|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;
