import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { Secret } from "../secret.ts";

/** One Postgres server and database, read from a connection URL. */
export interface PostgresTarget {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Undefined: the name of the operating system's user. */
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  /** Undefined: plain text. Otherwise the server's certificate is always verified, name included. */
  readonly tls: { readonly ca: string | undefined } | undefined;
  readonly applicationName: string;
  /** Parameters of the URL that mean nothing to us. */
  readonly ignored: readonly string[];
}

/**
 * Reads `postgresql://user:password@host:port/database`, also with a driver name (`postgresql+asyncpg://`).
 * `sslmode=require` and above verify the certificate, against `sslrootcert` where it is given. `prefer` and `allow` are
 * refused: they fall back to plain text without a word.
 * @throws Error that says what is wrong and never repeats the URL.
 */
export function parsePostgresUrl(setting: string, text: Secret): PostgresTarget {
  const url = parse(setting, text);
  const query = new Map(url.searchParams);
  const host = query.get("host") ?? (decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1") || "localhost");
  const user = decodeURIComponent(url.username) || query.get("user");
  const password = decodeURIComponent(url.password) || query.get("password");
  return {
    host,
    port: Number(url.port || (query.get("port") ?? 5432)),
    database: decodeURIComponent(url.pathname.slice(1)) || query.get("dbname") || user || "postgres",
    user,
    password: password === undefined ? undefined : new Secret(password),
    tls: tlsOf(setting, query),
    applicationName: query.get("application_name") ?? "oauth-token-service",
    ignored: [...query.keys()].filter((key) => !understood.has(key)),
  };
}

/** Whether the bytes to this server never leave the machine. */
export function isLocal({ host }: PostgresTarget): boolean {
  return (
    host.startsWith("/") || host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))
  );
}

const understood = new Set([
  ...["host", "port", "user", "password", "dbname", "application_name"],
  ...["sslmode", "ssl", "sslrootcert"],
]);

function parse(setting: string, text: Secret): URL {
  const malformed = new Error(
    `${setting} is not a URL of the form postgresql://user:password@host:5432/database; characters such as @ / # in the password are written %40 %2F %23`,
  );
  let url: URL;
  try {
    url = new URL(text.reveal());
    decodeURIComponent(url.username + url.password + url.pathname + url.hostname);
  } catch {
    throw malformed;
  }
  if (!/^postgres(ql)?(\+\w+)?:$/.test(url.protocol)) throw malformed;
  return url;
}

function tlsOf(setting: string, query: ReadonlyMap<string, string>): PostgresTarget["tls"] {
  const mode = query.get("sslmode") ?? query.get("ssl") ?? "disable";
  const root = query.get("sslrootcert");
  switch (mode) {
    case "disable":
    case "false":
      return undefined;
    case "require":
    case "verify-ca":
    case "verify-full":
    case "true":
      return { ca: root === undefined || root === "system" ? undefined : readCertificate(setting, root) };
    default:
      throw new Error(`${setting}: sslmode=${mode} may fall back to plain text; use verify-full, or disable`);
  }
}

function readCertificate(setting: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Error(`${setting}: sslrootcert ${path} cannot be read`, { cause });
  }
}
