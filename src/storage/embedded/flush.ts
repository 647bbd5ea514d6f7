import { open, readdir } from "node:fs/promises";
import { platform } from "node:os";
import { dirname, join, resolve } from "node:path";
import { errorCode } from "../database-failure.ts";

/** Makes the names in a folder survive a power failure: those of its files and folders, not what is in them. */
export async function flushFolder(path: string): Promise<void> {
  // Windows flushes no folders, and keeps names by itself.
  if (platform() !== "win32") await flush(path);
}

/** Makes a folder and everything below it survive a power failure, but not its own name. */
export async function flushTree(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => join(path, name));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
  // A folder's files at once: a disk needs not much longer for all of them than for one.
  await Promise.all(files.map(flush));
  for (const folder of folders) await flushTree(folder);
  await flushFolder(path);
}

/** Makes the names in a folder survive, and the way to it, as far as this process may look. */
export async function flushWay(path: string): Promise<void> {
  const folder = resolve(path);
  await flushFolder(folder);
  for (let above = dirname(folder); ; above = dirname(above)) {
    await flushFolder(above).catch((error: unknown) => {
      // What it may not open it did not make.
      if (!notOurs.has(errorCode(error) ?? "")) throw error;
    });
    if (above === dirname(above)) return;
  }
}

/** The last ones: file systems that flush no folders. */
const notOurs: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "EINVAL", "ENOTSUP"]);

async function flush(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
