import { dirname } from "node:path";
import { Secret } from "../secret.ts";
import { readHost } from "./addresses.ts";
import { readPort } from "./scalars.ts";
import type { SettingReader } from "./setting-reader.ts";
import type { SettingName } from "./settings.ts";

export type DatabaseConfig =
  | {
      readonly kind: "postgres";
      /** `postgresql://…`, perhaps with a driver in its scheme, perhaps through a pooler. */
      readonly url: Secret;
      /** For LISTEN and migrations; undefined: `url` is direct. */
      readonly directUrl: Secret | undefined;
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
];

export function readDatabase(reader: SettingReader): DatabaseConfig {
  const given = parts.filter((name) => reader.isGiven(name));
  const directUrl = readPostgresUrl(reader, "DATABASE_DIRECT_URL");
  if (reader.isGiven("DATABASE_URL")) {
    if (given.length > 0) reader.warn(`DATABASE_URL is used, and ${given.join(", ")} is not`);
    // A URL that cannot be used is a problem already; what stands in for it is never connected to.
    return { kind: "postgres", url: readPostgresUrl(reader, "DATABASE_URL") ?? new Secret(""), directUrl };
  }
  if (given.length > 0) return { kind: "postgres", url: readParts(reader), directUrl };
  if (reader.isGiven("DATABASE_DIRECT_URL")) {
    reader.problem(
      "DATABASE_DIRECT_URL",
      "there is no DATABASE_URL that it could stand beside",
      "set DATABASE_URL too",
    );
  }
  return { kind: "embedded", dataDir: readDataDir(reader) };
}

function readDataDir(reader: SettingReader): string {
  const file = reader.text("CENTRAL_OAUTH_DB_PATH");
  return reader.text("DATA_DIR") ?? (file === undefined ? "./data" : dirname(file));
}

function readPostgresUrl(reader: SettingReader, name: "DATABASE_URL" | "DATABASE_DIRECT_URL"): Secret | undefined {
  const url = reader.secret(name);
  const text = url?.reveal() ?? "";
  // SQLAlchemy names its driver in the scheme: postgresql+asyncpg://
  if (url === undefined || (/^postgres(ql)?(\+\w+)?:\/\//i.test(text) && URL.canParse(text))) return url;
  reader.problem(
    name,
    "this is not a Postgres URL, or something in it needs percent-encoding",
    "set postgresql://user:password@host:5432/database",
  );
  return undefined;
}

function readParts(reader: SettingReader): Secret {
  for (const name of ["POSTGRES_HOST", "POSTGRES_USER"] as const) {
    if (!reader.isGiven(name)) reader.problem(name, "is missing, while other POSTGRES_* are set", `set ${name}`);
  }
  const host = readHost(reader, "POSTGRES_HOST", "localhost");
  const port = readPort(reader, "POSTGRES_PORT", 5432);
  const user = reader.text("POSTGRES_USER") ?? "";
  const password = reader.secret("POSTGRES_PASSWORD");
  const account = [user, password?.reveal()]
    .filter((part) => part !== undefined)
    .map(encodeURIComponent)
    .join(":");
  const address = host.includes(":") ? `[${host}]` : host;
  return new Secret(
    `postgresql://${account}@${address}:${port}/${encodeURIComponent(reader.text("POSTGRES_DB") ?? user)}`,
  );
}
