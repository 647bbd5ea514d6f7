import { access, type FileHandle, link, mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Secret } from "../../secret.ts";
import { generateKey, parseKeyRing } from "../seal/key-ring.ts";
import { flushFolder } from "./flush.ts";

/**
 * The encryption key of the embedded database: `<directory>/encryption.key` (mode 0600), made on first use and on
 * disk before this returns. The file may hold several keys, comma separated.
 * @throws Error if others may read the file, if it holds no key, or if it is missing while `<directory>/db` exists.
 */
export async function readOrCreateKey(directory: string, random: (bytes: number) => Buffer): Promise<Secret> {
  const path = join(directory, "encryption.key");
  const kept = await readKey(path);
  if (kept !== undefined) return kept;

  const database = join(directory, "db");
  if (await exists(database)) {
    throw new Error(
      `${path} is missing, and what is in ${database} cannot be opened with a new key: put the file back, ` +
        `or set TOKEN_ENCRYPTION_KEY to the key that was used, or move ${database} away to begin anew`,
    );
  }
  const key = generateKey(random);
  const written = `${path}.${random(8).toString("hex")}`;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await writeDurably(written, `${key.reveal()}\n`);
    // Unlike a rename, a link never replaces a key that appeared meanwhile.
    await link(written, path);
  } finally {
    await rm(written, { force: true });
  }
  await flushFolder(directory);
  return key;
}

/** The key that is kept in a file; undefined: there is none. @throws Error as `readOrCreateKey`. */
export async function readKey(path: string): Promise<Secret | undefined> {
  const file = await openOrUndefined(path);
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    // Where a container is to bring a file that is not there, it makes a folder.
    if (!stat.isFile()) throw corrupted(path, "it is no file");
    if ((stat.mode & 0o077) !== 0) throw new Error(`${path} may be read by others: run chmod 600 ${path}`);
    const key = new Secret((await file.readFile("utf8")).trim());
    checkKey(path, key);
    return key;
  } finally {
    await file.close();
  }
}

function checkKey(path: string, key: Secret): void {
  try {
    parseKeyRing(key);
  } catch (error) {
    throw corrupted(path, error instanceof Error ? error.message : "unreadable");
  }
}

function corrupted(path: string, reason: string): Error {
  return new Error(
    `${path} does not hold encryption keys (${reason}): put back the file that was there, or set TOKEN_ENCRYPTION_KEY ` +
      `to the key that was used, or move it and ${join(dirname(path), "db")} away to begin anew`,
  );
}

async function openOrUndefined(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
