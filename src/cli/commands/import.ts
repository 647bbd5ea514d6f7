import { type Command, UsageError } from "../command.ts";
import { importEarlier } from "./import-earlier.ts";
import { importEmbedded } from "./import-embedded.ts";

/**
 * `import --from DATABASE_URL [--key FERNET_KEYS] [--dry-run]`: brings the installations of an earlier service over;
 * `import --from DATA_DIR [--dry-run]`: an embedded database into the Postgres of DATABASE_URL.
 */
export const importCommand: Command<readonly [], "from" | "key", "dry-run"> = async (given, world) => {
  const { from, key } = given.values;
  const dryRun = given.flags["dry-run"];
  if (from === undefined) throw new UsageError("--from DATABASE_URL or --from DATA_DIR is needed");
  // Not repeated: there may be a password in it.
  if (/^postgres[\w+]*:(?!\/\/)|^(host|user|password|dbname)=/i.test(from.trim()))
    throw new UsageError("--from is not the URL of a database", "postgresql://user:password@host:5432/database");
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(from)) return importEarlier({ url: from, key, dryRun }, world);
  if (key !== undefined)
    throw new UsageError("--key is for the database of an earlier service", "give its URL with --from");
  return importEmbedded(from, dryRun, world);
};
