import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * The embedded database in a data directory. Commands make none: who has it elsewhere has only forgotten to say so.
 * @throws Error if there is none.
 */
export function existingDatabase(directory: string): string {
  const path = join(directory, "db");
  if (!existsSync(path)) throw new Error(`there is no database in ${directory}: set DATA_DIR, or DATABASE_URL`);
  return path;
}
