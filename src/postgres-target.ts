import { isIP } from "node:net";
import type { Secret } from "./secret.ts";

/** How a server may ask who we are, in libpq's words for `require_auth`. */
export type AuthMethod = "password" | "md5" | "scram-sha-256";

/** Where a Postgres server is. */
export interface PostgresServer {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/** One Postgres database, as the settings name it, and its server. */
export interface PostgresTarget extends PostgresServer {
  /** Further servers that may be the one that takes writes: a primary and its standbys. */
  readonly others: readonly PostgresServer[];
  /** Whether a session is begun only with a server that says it takes writes. */
  readonly mustWrite: boolean;
  readonly database: string;
  /** Undefined: the name of the operating system's user. */
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  /** Undefined: plain text. Otherwise the server's certificate is always verified, `host` included. */
  readonly tls: PostgresTls | undefined;
  /** Ways of proving the password that are gone along with. */
  readonly authMethods: ReadonlySet<AuthMethod>;
  readonly applicationName: string;
  /** What is asked of every session, by the names of the server's settings. */
  readonly session: Readonly<Record<string, string>>;
  /** Parameters of the URL that mean nothing to us. */
  readonly ignored: readonly string[];
  /** What an operator has to look at where a part turns out to be wrong. */
  readonly settings: Readonly<Record<TargetPart, string>>;
}

/** Settings of the server that every session states by itself, whatever anybody asks for. */
export const statedSettings = [
  ...(["DateStyle", "IntervalStyle", "TimeZone", "array_nulls", "bytea_output", "client_encoding"] as const),
  ...(["default_transaction_deferrable", "default_transaction_isolation", "extra_float_digits"] as const),
  ...(["row_security", "standard_conforming_strings", "synchronous_commit", "transform_null_equals"] as const),
  ...(["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] as const),
];

export type StatedSetting = (typeof statedSettings)[number];

export type TargetPart = "host" | "account" | "database" | "sslmode" | "sslrootcert" | "require_auth";

export interface PostgresTls {
  /** PEM; undefined: the authorities that Node knows. */
  readonly ca: string | undefined;
}

/** The servers that a target names, in their order. */
export function serversOf(target: PostgresTarget): readonly PostgresServer[] {
  return [target, ...target.others];
}

/** The same for people: `db:5432`, or several of them. */
export function addressOf(target: PostgresTarget): string {
  return serversOf(target)
    .map(({ host, port }) => `${host}:${port}`)
    .join(" or ");
}

/** Whether the bytes to this host never leave the machine. */
export function isLocal(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith("127.");
  return isSocket(host) || host === "::1" || host.toLowerCase() === "localhost";
}

/** Whether this is the folder of a Unix socket. */
export function isSocket(host: string): boolean {
  return host.startsWith("/");
}
