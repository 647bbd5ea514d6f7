import { loadSealingConfig } from "../../config/load-parts.ts";
import type { Secret } from "../../secret.ts";
import type { CommandWorld } from "../command.ts";

/** What a command works on that is about the embedded database alone. */
export interface DataDirectory {
  readonly directory: string;
  /** The keys of the settings; undefined: the directory has its own. */
  readonly keys: Secret | undefined;
}

/** @throws Error with `onPostgres` where the settings name a Postgres. */
export function dataDirectory({ env, readFile }: CommandWorld, onPostgres: string): DataDirectory {
  const { database, encryption } = loadSealingConfig(env, readFile);
  if (database.kind === "postgres") throw new Error(onPostgres);
  return { directory: database.dataDir, keys: encryption.keys };
}
