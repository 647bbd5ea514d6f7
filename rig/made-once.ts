import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { until } from "./gate.ts";

/** For what takes long to make and is the same every time. */
export const cache = fileURLToPath(new URL("../node_modules/.cache/oauth-token-service/", import.meta.url));

const makingMs = 120_000;
const keptMs = 86_400_000;

/**
 * Makes a file or folder, unless it is there. It is complete or absent, and however many processes ask at once, one makes
 * it and the others wait for that. What is beside it for more than a day is removed when it is made.
 */
export async function makeOnce(path: string, make: (unfinished: string) => Promise<void>): Promise<string> {
  if (await exists(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  // A lock that ends with its holder, however that ends.
  const lock = new DatabaseSync(`${path}.lock`);
  try {
    await until(() => isTaken(lock), `nobody else makes ${path}`, makingMs);
    if (await exists(path)) return path;
    const unfinished = `${path}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await make(unfinished);
    await rename(unfinished, path);
    await removeOld(dirname(path));
    return path;
  } finally {
    lock.close();
  }
}

/** Whether this process has the lock from now on. */
function isTaken(lock: DatabaseSync): boolean {
  try {
    lock.exec("begin exclusive");
    return true;
  } catch (error) {
    if (error instanceof Error && error.message === "database is locked") return false;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const made = await stat(path).catch(() => undefined);
    if (made !== undefined && Date.now() - made.mtimeMs > keptMs) await rm(path, { recursive: true, force: true });
  }
}
