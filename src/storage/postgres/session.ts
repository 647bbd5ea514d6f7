import type { StatedSetting } from "../../postgres-target.ts";

/** The server's own limits for what we ask it, in milliseconds; 0: none. */
export interface ServerLimits {
  readonly statementMs: number;
  readonly lockMs: number;
  readonly idleInTransactionMs: number;
}

/** What a session is told of itself. */
export interface SessionWishes {
  readonly limits: ServerLimits;
  /** Where the tables are; undefined: wherever the search path leads. */
  readonly schema: string | undefined;
}

/** What the settings of an operator ask of every session, by the names of the server's settings. */
export type AskedOfSession = Readonly<Record<string, string>>;

/**
 * Every setting that how we read and write depends on, so that no default of a server, database or role counts.
 * `default_transaction_read_only` is not among them: whoever sets it means it, and is told.
 */
const fixed = {
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  array_nulls: "on",
  bytea_output: "hex",
  client_encoding: "UTF8",
  default_transaction_deferrable: "off",
  default_transaction_isolation: "read committed",
  extra_float_digits: "1",
  row_security: "on",
  standard_conforming_strings: "on",
  // What was answered as stored has been flushed, also to the standbys that the server waits for.
  synchronous_commit: "on",
  transform_null_equals: "off",
} as const;

/**
 * Whatever a large table makes the planner expect, each of our statements reads little: compiling one, or starting workers
 * for it, takes longer than it does. An operator may ask otherwise, and a proxy that leaves it out does no harm.
 */
export const preferred: AskedOfSession = { jit: "off", max_parallel_workers_per_gather: "0" };

/** The whole of it, by the names and in the spelling of `pg_settings`. What is asked for names nothing that is stated. */
export function sessionSettings({ limits, schema }: SessionWishes, asked: AskedOfSession): AskedOfSession {
  const ours: Readonly<Record<StatedSetting, string>> = {
    ...fixed,
    statement_timeout: String(limits.statementMs),
    lock_timeout: String(limits.lockMs),
    idle_in_transaction_session_timeout: String(limits.idleInTransactionMs),
  };
  // Temporary objects come last, or they would come first.
  return {
    ...preferred,
    ...asked,
    ...ours,
    ...(schema === undefined ? {} : { search_path: `${quoted(schema)}, pg_temp` }),
  };
}

/** The same for one transaction, as a statement: behind a transaction pooler a session is whoever's it was before. */
export function statedForTransaction(settings: AskedOfSession): string {
  const set = ([name, value]: readonly [string, string]) => `set_config(${literal(name)}, ${literal(value)}, true)`;
  return `select ${Object.entries(settings).map(set).join(", ")}`;
}

/** As an identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
