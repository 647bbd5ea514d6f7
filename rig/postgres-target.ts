import { readFileSync } from "node:fs";
import { loadDatabaseConfig } from "../src/config/load-parts.ts";
import type { PostgresTarget } from "../src/postgres-target.ts";

/** What the setting DATABASE_URL with this value means. @throws ConfigError. */
export function targetOf(url: string): PostgresTarget {
  const database = loadDatabaseConfig({ DATABASE_URL: url }, (path) => readFileSync(path, "utf8"));
  if (database.kind === "embedded") throw new Error("the URL is empty");
  return database.target;
}
