import { createClosers } from "../../closers.ts";
import { copyDatabase } from "../../storage/embedded/backup/copy.ts";
import { askForCopy } from "../../storage/embedded/backup/door.ts";
import { NotAnArchive } from "../../storage/embedded/backup/tar.ts";
import { type WrittenBackup, writeBackup } from "../../storage/embedded/backup/write-backup.ts";
import { inDataDirectory } from "../../storage/embedded/directory-failure.ts";
import { lockDataDirectory } from "../../storage/embedded/directory-lock.ts";
import { openEmbeddedFiles } from "../../storage/embedded/files.ts";
import type { Command, CommandWorld } from "../command.ts";
import { type DataDirectory, dataDirectory } from "./data-directory.ts";
import { existingDatabase } from "./existing-database.ts";

interface Options {
  readonly file: string;
  readonly withoutKey: boolean;
  readonly replace: boolean;
}

/**
 * `backup FILE [--without-key] [--replace]`: a copy of the embedded database and its key, from the service that runs, or
 * of the files of one that does not.
 */
export const backupCommand: Command<readonly [string], never, "replace" | "without-key"> = async (given, world) => {
  const [file] = given.arguments;
  const { replace, "without-key": withoutKey } = given.flags;
  const at = dataDirectory(
    world,
    "DATABASE_URL is set: back Postgres up with its own tools (pg_dump), and TOKEN_ENCRYPTION_KEY apart from it",
  );
  const { written, running } = await backup(at, { file, replace, withoutKey }, world);
  const { bytes, madeAt, database, encryptionKey } = written;
  const size = `${(bytes / 1_000_000).toFixed(1)} MB`;
  world.print(
    `${file}: ${size}, all that was answered before ${madeAt}, ${running ? "while the service runs" : "of a stopped service"}`,
  );
  world.print(aboutKey[encryptionKey]);
  const result = { file, bytes, made_at: madeAt, database, encryption_key: encryptionKey.replace(" ", "_"), running };
  return { code: 0, result };
};

const aboutKey: Readonly<Record<WrittenBackup["encryptionKey"], string>> = {
  inside: "the encryption key is inside: whoever has this file can read every token in it, so keep it like that key",
  settings:
    "the encryption key is not inside, since TOKEN_ENCRYPTION_KEY gives it: keep it apart; the backup is of no use without it",
  "left out":
    "the encryption key is not inside: keep encryption.key of DATA_DIR apart; the backup is of no use without it",
};

async function backup(at: DataDirectory, options: Options, world: CommandWorld) {
  const { directory } = at;
  const asked = await askForCopy(directory);
  if (asked === undefined) return { written: await backupStopped(at, options, world), running: false };
  try {
    const { entries } = asked;
    return { written: await writeBackup({ ...options, entries, random: world.random }), running: true };
  } catch (error) {
    if (!(error instanceof NotAnArchive)) throw error;
    throw new Error("the service did not finish the copy (its log has backup.failed, or it ended): run it again", {
      cause: error,
    });
  } finally {
    asked.end();
  }
}

async function backupStopped({ directory, keys }: DataDirectory, options: Options, { now, random }: CommandWorld) {
  const path = existingDatabase(directory);
  return inDataDirectory(directory, async () => {
    const closers = createClosers();
    try {
      const lock = await lockDataDirectory(directory, now);
      closers.add("data directory", lock.release);
      const { client } = await openEmbeddedFiles(path);
      closers.add("database", () => client.close());
      const entries = copyDatabase({ directory, client, keyInside: keys === undefined, now });
      return await writeBackup({ ...options, entries, random });
    } finally {
      await closers.close();
    }
  });
}
