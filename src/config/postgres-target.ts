import { isIP } from "node:net";
import {
  type AuthMethod,
  isLocal,
  isSocket,
  type PostgresServer,
  type PostgresTarget,
  type PostgresTls,
  type TargetPart,
} from "../postgres-target.ts";
import type { Secret } from "../secret.ts";
import { inWords } from "../settings/scalars.ts";
import { holdsCertificates } from "../tls/certificates.ts";
import type { Reader } from "./settings.ts";

/** What a URL or single settings say; undefined: nothing. */
export interface TargetParts {
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly database: string | undefined;
  readonly sslmode: string | undefined;
  readonly sslrootcert: string | undefined;
  /** libpq's list of ways to log in. */
  readonly requireAuth: string | undefined;
  readonly applicationName: string | undefined;
  /** libpq's `target_session_attrs`. */
  readonly sessionAttributes: string | undefined;
  readonly session: PostgresTarget["session"];
  readonly ignored: readonly string[];
  /** The setting that a part is in, for what is wrong with it and for what turns out later. */
  readonly settings: Readonly<Record<TargetPart | "port", string>>;
}

/** Reads the parts together. Everything that is wrong with them is a problem, and then the target is never used. */
export function readTarget(reader: Reader, parts: TargetParts): PostgresTarget {
  const { user, settings } = parts;
  const [server, ...others] = readServers(reader, parts);
  const tls = readTls(reader, parts, [server, ...others]);
  return {
    ...server,
    others,
    mustWrite: readAttributes(reader, parts, others.length > 0),
    user,
    password: parts.password,
    database: parts.database ?? user ?? "postgres",
    tls,
    authMethods: readAuthMethods(reader, parts, tls),
    applicationName: parts.applicationName ?? "oauth-token-service",
    session: parts.session,
    ignored: parts.ignored,
    settings,
  };
}

/** As with libpq: several hosts with commas between them, and one port for all or one for each. */
function readServers(reader: Reader, parts: TargetParts): readonly [PostgresServer, ...PostgresServer[]] {
  const { host = "localhost", settings } = parts;
  const ports = (parts.port ?? "").split(",");
  const [first = "", ...hosts] = host.split(",");
  if (ports.length > 1 && ports.length !== hosts.length + 1) {
    reader.problem(settings.port, "there are not as many ports as hosts", "name one for all, or one for each");
  }
  const readServer = (name: string, index: number) => {
    checkHost(reader, parts, name);
    return { host: name, port: readPort(reader, parts, (ports.length === 1 ? ports[0] : ports[index]) ?? "") };
  };
  return [readServer(first, 0), ...hosts.map((name, index) => readServer(name, index + 1))];
}

function checkHost(reader: Reader, { settings }: TargetParts, host: string): void {
  if (isSocket(host) || isIP(host) !== 0 || /^[a-z\d_]([\w.-]*[\w.])?$/i.test(host)) return;
  const fix = "set one, such as db.example, 10.0.0.5, ::1 or /run/postgresql";
  reader.problem(settings.host, "the host is not a name, an address or the folder of a socket", fix);
}

function readPort(reader: Reader, { settings }: TargetParts, port: string): number {
  if (port === "") return Number(reader.defaultOf("POSTGRES_PORT"));
  const value = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (value >= 1 && value <= 65_535) return value;
  reader.problem(settings.port, "the port is not a whole number from 1 to 65535", "set one, such as 5432");
  return Number(reader.defaultOf("POSTGRES_PORT"));
}

/** Nothing is read from standbys: of several servers the one that takes writes is asked for, and that is to be written out. */
function readAttributes(reader: Reader, { sessionAttributes, settings }: TargetParts, isOneOf: boolean): boolean {
  const asked = sessionAttributes ?? "any";
  if (["read-write", "primary"].includes(asked)) return true;
  if (asked === "any" && !isOneOf) return false;
  const wrong =
    asked === "any"
      ? "of several hosts any may be taken, also one that only reads"
      : `target_session_attrs=${asked} ${asked.includes("standby") || asked === "read-only" ? "asks for a server that only reads" : "is unknown"}`;
  reader.problem(settings.host, wrong, "set target_session_attrs=read-write");
  return true;
}

const verifying = ["verify-full", "verify-ca", "require", "true"];
const plain = ["disable", "false"];

/** Beyond this machine TLS is left out only where that is written out. As with libpq there is none on a socket. */
function readTls(reader: Reader, parts: TargetParts, servers: readonly PostgresServer[]): PostgresTls | undefined {
  const { sslmode, sslrootcert, settings } = parts;
  const ca = readAuthority(reader, settings.sslrootcert, sslrootcert);
  const mode =
    sslmode ?? (servers.every(({ host }) => isLocal(host)) && sslrootcert === undefined ? "disable" : "verify-full");
  if (verifying.includes(mode)) return servers.every(({ host }) => isSocket(host)) ? undefined : { ca };
  if (plain.includes(mode)) return undefined;
  const wrong = ["prefer", "allow"].includes(mode) ? "may fall back to plain text" : "is unknown";
  reader.problem(settings.sslmode, `sslmode=${mode} ${wrong}`, "set verify-full, or disable where nobody listens");
  return undefined;
}

function readAuthority(reader: Reader, setting: string, path: string | undefined): string | undefined {
  if (path === undefined || path === "system") return undefined;
  const text = reader.file(setting, path);
  if (text !== undefined && !holdsCertificates(text)) {
    const wrong = `the file ${path} holds no PEM certificates, or a broken one`;
    reader.problem(setting, wrong, "set sslrootcert to the file of who signed the server's certificate");
  }
  return text;
}

const authMethods: readonly AuthMethod[] = ["scram-sha-256", "md5", "password"];

/** Without TLS only the way that shows nothing to who listens or answers, unless the operator names others. */
function readAuthMethods(
  reader: Reader,
  { requireAuth, settings }: TargetParts,
  tls: PostgresTls | undefined,
): ReadonlySet<AuthMethod> {
  if (requireAuth === undefined) return new Set(tls === undefined ? ["scram-sha-256"] : authMethods);
  const named = requireAuth.split(",").map((word) => word.trim());
  const known = authMethods.filter((method) => named.includes(method));
  if (known.length < new Set(named).size) {
    const fix = `name one or more of ${inWords(authMethods)}`;
    reader.problem(settings.require_auth, "require_auth names a way to log in that is not supported", fix);
  }
  return new Set(known);
}
