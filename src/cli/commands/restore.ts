import { inspectDatabase } from "../../storage/embedded/backup/inspect.ts";
import { restoreBackup } from "../../storage/embedded/backup/restore.ts";
import { inDataDirectory } from "../../storage/embedded/directory-failure.ts";
import { lockDataDirectory } from "../../storage/embedded/directory-lock.ts";
import type { Command } from "../command.ts";
import { dataDirectory } from "./data-directory.ts";

/** `restore FILE`: puts a backup into an empty DATA_DIR, opened and verified before it is there. */
export const restoreCommand: Command<readonly [string]> = async (given, world) => {
  const [file] = given.arguments;
  const { now, random, print, complain } = world;
  const { directory, keys } = dataDirectory(
    world,
    "DATABASE_URL is set: restore Postgres with its own tools (pg_restore, psql), or unset it to restore into DATA_DIR",
  );
  const { description, seen } = await inDataDirectory(directory, async () => {
    const lock = await lockDataDirectory(directory, now);
    try {
      return await restoreBackup({
        file,
        directory,
        keys,
        inspect: (database, ring) => inspectDatabase(database, { keys: ring, now, random }),
      });
    } finally {
      lock.release();
    }
  });
  const { installations, credentials, record, unreadable } = seen;
  print(
    `${directory} has what was answered before ${description.madeAt}: ${installations} installations, ${credentials} credentials, ${record.rows} rows of the record`,
  );
  print("the service may start on it, and nowhere on another copy: two would spend each other's refresh tokens");
  if (record.findings > 0)
    complain(`the record is not what was written (${record.findings} findings): run oauth-token-service audit verify`);
  if (unreadable > 0)
    complain(`no key opens ${unreadable} credentials: add the key they were sealed with to TOKEN_ENCRYPTION_KEY`);
  const well = record.findings === 0 && unreadable === 0;
  const { chains, rows, findings } = record;
  const result = {
    directory,
    made_at: description.madeAt,
    database: description.database,
    installations,
    credentials,
    unreadable,
    record: { chains, rows, findings },
  };
  return { code: well ? 0 : 1, result };
};
