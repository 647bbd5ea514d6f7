import { createReadStream } from "node:fs";
import { lstat, mkdir, open, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Secret } from "../../../secret.ts";
import { driverError, errorCode } from "../../database-failure.ts";
import { readMigratedTo } from "../../migrations.ts";
import { readKey } from "../directory-key.ts";
import { postgresVersion } from "../files.ts";
import { flushFolder, flushTree } from "../flush.ts";
import { descriptionName, endName, keyName } from "./copy.ts";
import { type BackupDescription, parseDescription } from "./description.ts";
import { collect, NotAnArchive, type TarEntry, unpackTar } from "./tar.ts";

export interface RestoreOptions<Seen> {
  readonly file: string;
  /** `DATA_DIR`. The caller holds its lock. */
  readonly directory: string;
  /** The keys of the settings. */
  readonly keys: Secret | undefined;
  /** Looks into the unpacked database, opened with these keys, before it gets its place. */
  readonly inspect: (database: string, keys: Secret) => Promise<Seen>;
}

export interface Restored<Seen> {
  readonly description: BackupDescription;
  readonly seen: Seen;
}

/**
 * Puts a backup into a data directory that has no database and no key. What is unpacked is whole and inspected before it
 * gets its name; until then, and if it fails, there is nothing but a folder `restoring`.
 * @throws Error that says what to do.
 */
export async function restoreBackup<Seen>(options: RestoreOptions<Seen>): Promise<Restored<Seen>> {
  const { file, directory, keys, inspect } = options;
  for (const name of ["db", keyName]) {
    if (await exists(join(directory, name))) {
      throw new Error(`${join(directory, name)} is there already, and nothing is overwritten: name an empty DATA_DIR`);
    }
  }
  const aside = join(directory, "restoring");
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { mode: 0o700 });
  try {
    const description = await unpack(file, aside, keys);
    await flushTree(aside);
    const ring = keys ?? (await keyIn(aside));
    const seen = await inspect(join(aside, "db"), ring).catch((error: unknown) => {
      throw notRestored(file, error);
    });
    // A database without its key is told so at a start; a key without its database would have a new one made.
    await rename(join(aside, "db"), join(directory, "db"));
    if (description.encryptionKey === "inside") await rename(join(aside, keyName), join(directory, keyName));
    await rmdir(aside);
    await flushFolder(directory);
    return { description, seen };
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
}

async function unpack(file: string, folder: string, keys: Secret | undefined): Promise<BackupDescription> {
  let description: BackupDescription | undefined;
  let whole = false;
  const gunzip = createGunzip();
  try {
    await pipeline(createReadStream(file), gunzip, async (bytes: AsyncIterable<Buffer>) => {
      for await (const entry of unpackTar(bytes)) {
        if (description === undefined) {
          description = await readDescription(entry);
          checkFit(description, keys);
        } else if (entry.name === endName) whole = true;
        else await put(folder, entry);
      }
    });
  } catch (error) {
    throw unpackFailure(file, error);
  }
  if (description === undefined || !whole) throw new Error(`${file} is cut off: take another copy of it`);
  return description;
}

async function readDescription(entry: TarEntry): Promise<BackupDescription> {
  if (entry.name !== descriptionName || entry.bytes > 65_536) throw new NotAnArchive("it does not begin like one");
  return parseDescription((await collect(entry.body)).toString());
}

/** Says no before gigabytes are unpacked. The database says it again, and for certain. */
function checkFit(
  { postgres, database, migratedTo, encryptionKey }: BackupDescription,
  keys: Secret | undefined,
): void {
  if (postgres !== postgresVersion) {
    throw new Refusal(
      `is of ${database}, and this version reads the files of Postgres ${postgresVersion}: restore it with the version that made it`,
    );
  }
  if (migratedTo !== null && migratedTo > readMigratedTo()) {
    throw new Refusal("was made by a newer version of this service: restore it with that version");
  }
  if (encryptionKey !== "inside" && keys === undefined) {
    throw new Refusal("does not have the encryption key in it: set TOKEN_ENCRYPTION_KEY to the key of that service");
  }
}

class Refusal extends Error {}

/** Nothing but what a backup has: no links, nothing outside of the folder. */
const ours = /^(encryption\.key|db(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*)$/;

async function put(folder: string, { name, kind, body }: TarEntry): Promise<void> {
  if (!ours.test(name)) throw new NotAnArchive("it has something in it that no backup has");
  const path = join(folder, name);
  if (kind === "folder") {
    await mkdir(path, { mode: 0o700 });
    return;
  }
  const file = await open(path, "wx", 0o600);
  try {
    for await (const part of body) await file.writeFile(part);
  } finally {
    await file.close();
  }
}

function unpackFailure(file: string, error: unknown): unknown {
  if (error instanceof Refusal) return new Error(`the backup ${file} ${error.message}`);
  const code = errorCode(error) ?? "";
  if (error instanceof NotAnArchive || /^Z_|^ERR_/.test(code)) {
    const reason = error instanceof Error ? error.message : code;
    return new Error(`${file} is damaged, or no backup (${reason}): take another copy of it`, { cause: error });
  }
  if (error instanceof Error && "path" in error && error.path === file) {
    return new Error(`${file} cannot be read (${code})`, { cause: error });
  }
  return error;
}

/** What is about the disk stays as it is. */
function notRestored(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || errorCode(driverError(error)) !== undefined) return error;
  return new Error(`${file} was not restored: ${error.message}`, { cause: error });
}

async function keyIn(folder: string): Promise<Secret> {
  const key = await readKey(join(folder, keyName));
  if (key === undefined) throw new Error("the backup says that it has the encryption key in it, and has not");
  return key;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
