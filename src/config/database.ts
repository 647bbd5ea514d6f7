import { dirname } from "node:path";
import type { PostgresTarget } from "../postgres-target.ts";
import { Secret } from "../secret.ts";
import { readChoice } from "../settings/scalars.ts";
import { readTarget } from "./postgres-target.ts";
import { splitPostgresUrl, type UrlParts } from "./postgres-url.ts";
import { readSessionParameters, sessionParameters } from "./session-parameters.ts";
import type { Reader, SettingName } from "./settings.ts";

export type DatabaseConfig =
  | {
      readonly kind: "postgres";
      /** Perhaps a transaction pooler. */
      readonly target: PostgresTarget;
      /** For LISTEN and migrations; undefined: `target` is direct itself. */
      readonly direct: PostgresTarget | undefined;
      /** Whether a database is fine that may forget in a crash what it answered as stored. */
      readonly mayLoseCommits: boolean;
    }
  | {
      readonly kind: "embedded";
      /** Of the database and its key; as given, so perhaps relative. */
      readonly dataDir: string;
    };

const parts: readonly SettingName[] = [
  "POSTGRES_HOST",
  "POSTGRES_PORT",
  "POSTGRES_USER",
  "POSTGRES_PASSWORD",
  "POSTGRES_DB",
  "POSTGRES_SSLMODE",
  "POSTGRES_SSLROOTCERT",
];

export function readDatabase(reader: Reader): DatabaseConfig {
  const given = parts.filter((name) => reader.isGiven(name));
  const mayLoseCommits = readChoice(reader, "DATABASE_MAY_LOSE_COMMITS", ["0", "1"]) === "1";
  if (reader.isGiven("DATABASE_URL")) {
    if (given.length > 0) reader.warn(`DATABASE_URL is used, and ${given.join(", ")} is not`);
    return { kind: "postgres", ...withDirect(reader, readUrl(reader, "DATABASE_URL")), mayLoseCommits };
  }
  if (given.length > 0) {
    for (const name of ["POSTGRES_HOST", "POSTGRES_USER"] as const) {
      if (!reader.isGiven(name)) reader.problem(name, "is missing, while other POSTGRES_* are set", `set ${name}`);
    }
    return { kind: "postgres", ...withDirect(reader, readParts(reader)), mayLoseCommits };
  }
  if (reader.isGiven("DATABASE_DIRECT_URL")) {
    reader.problem(
      "DATABASE_DIRECT_URL",
      "there is no DATABASE_URL that it could stand beside",
      "set DATABASE_URL too",
    );
  }
  return { kind: "embedded", dataDir: readDataDir(reader) };
}

/**
 * The direct way leads to the same schema, where it names none itself. Beside it the other is a pooler, which repeats at
 * login what it once heard of a server, though that was promoted since: so it is not asked then, but with each transaction.
 */
function withDirect(reader: Reader, target: PostgresTarget) {
  if (!reader.isGiven("DATABASE_DIRECT_URL")) return { target, direct: undefined };
  const isSame = reader.secret("DATABASE_DIRECT_URL")?.reveal() === reader.secret("DATABASE_URL")?.reveal();
  if (isSame) return { target, direct: undefined };
  const direct = readUrl(reader, "DATABASE_DIRECT_URL");
  const { search_path } = target.session;
  const session = search_path === undefined ? direct.session : { search_path, ...direct.session };
  return { target: { ...target, mustWrite: false }, direct: { ...direct, session } };
}

function readDataDir(reader: Reader): string {
  const file = reader.text("CENTRAL_OAUTH_DB_PATH");
  return reader.text("DATA_DIR") ?? (file === undefined ? reader.defaultOf("DATA_DIR") : dirname(file));
}

const noParts: UrlParts = {
  host: undefined,
  port: undefined,
  user: undefined,
  password: undefined,
  database: undefined,
  parameters: new Map(),
  repeated: [],
};

/** Parameters of a URL that are understood, beside its parts. */
const understood = new Set([
  "sslmode",
  "ssl",
  "sslrootcert",
  "require_auth",
  "application_name",
  "target_session_attrs",
  ...sessionParameters,
]);

/** A URL that cannot be used is a problem; what stands in for it is never connected to. */
function readUrl(reader: Reader, name: "DATABASE_URL" | "DATABASE_DIRECT_URL"): PostgresTarget {
  return readUrlText(reader, name, reader.secret(name));
}

/** The same for one that is no setting; `name` is what it is called in complaints. */
export function readUrlText(reader: Reader, name: string, text: Secret | undefined): PostgresTarget {
  const found = text === undefined ? undefined : splitPostgresUrl(text.reveal());
  if (text !== undefined && found === undefined) {
    const wrong = "this is not a Postgres URL, or something in it needs percent-encoding";
    const fix = "set postgresql://user:password@host:5432/database; / ? % in a password are written %2F %3F %25";
    reader.problem(name, wrong, fix);
  }
  const url = found ?? noParts;
  if (url.repeated.length > 0) {
    const wrong = `the URL has ${url.repeated.join(" and ")} more than once, of which only one would count`;
    reader.problem(name, wrong, "name each parameter once, and several hosts as host=a,b");
  }
  const { parameters, password } = url;
  return readTarget(reader, {
    ...url,
    password: password === undefined ? undefined : new Secret(password),
    sslmode: parameters.get("sslmode") ?? parameters.get("ssl"),
    sslrootcert: parameters.get("sslrootcert"),
    requireAuth: parameters.get("require_auth"),
    applicationName: parameters.get("application_name"),
    sessionAttributes: parameters.get("target_session_attrs"),
    session: readSessionParameters(reader, name, parameters),
    ignored: [...parameters.keys()].filter((key) => !understood.has(key)),
    settings: {
      host: name,
      port: name,
      account: name,
      database: name,
      sslmode: name,
      sslrootcert: name,
      require_auth: name,
    },
  });
}

function readParts(reader: Reader): PostgresTarget {
  const host = reader.text("POSTGRES_HOST")?.replaceAll(/\[([^\],]*)\]/g, "$1");
  return readTarget(reader, {
    host,
    port: reader.text("POSTGRES_PORT"),
    user: reader.text("POSTGRES_USER"),
    password: reader.secret("POSTGRES_PASSWORD"),
    database: reader.text("POSTGRES_DB"),
    sslmode: reader.text("POSTGRES_SSLMODE"),
    sslrootcert: reader.text("POSTGRES_SSLROOTCERT"),
    requireAuth: undefined,
    applicationName: undefined,
    // There is no setting for it, and nothing else that several hosts could mean.
    sessionAttributes: host?.includes(",") === true ? "read-write" : undefined,
    session: {},
    ignored: [],
    settings: {
      host: "POSTGRES_HOST",
      port: "POSTGRES_PORT",
      account: "POSTGRES_USER and POSTGRES_PASSWORD",
      database: "POSTGRES_DB",
      sslmode: "POSTGRES_SSLMODE",
      sslrootcert: "POSTGRES_SSLROOTCERT",
      require_auth: "DATABASE_URL",
    },
  });
}
