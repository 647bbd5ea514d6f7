import { closeSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { access, constants, mkdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { errorCode } from "../database-failure.ts";
import { loadSqlite } from "./sqlite.ts";

export interface DataDirectoryLock {
  /** Gives the directory free; may be repeated. */
  release(): void;
}

/** Another process has it, most likely the service. */
export class DataDirectoryInUse extends Error {}

/**
 * Makes the directory (mode 0700) and locks it, so that one process at a time opens what is in it. The lock is the
 * operating system's, on the file `lock.db`: it holds between containers, and ends with its process however that ends.
 * The file `lock` says who holds it, for people.
 * @throws Error that names the directory and its holder, and says what to do, if it is locked or cannot be.
 */
export async function lockDataDirectory(directory: string, now: () => Date): Promise<DataDirectoryLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Absolute, since SQLite takes some relative names for something else than a file.
  const path = resolve(directory, "lock.db");
  make(path);
  const name = join(directory, "lock");
  let held: DatabaseSync | undefined = await hold(path, directory, name);
  try {
    writeHolder(name, now());
  } catch (error) {
    held.close();
    throw error;
  }
  return {
    release() {
      if (held === undefined) return;
      // Before the lock goes: afterwards it may be another's name.
      rmSync(name, { force: true });
      held.close();
      held = undefined;
    },
  };
}

/**
 * For the system's own word on why it cannot be made. Never opened where it is there already: a process that closes a
 * file loses all locks that it has on it.
 */
function make(path: string): void {
  try {
    // In one go: another lock of this process, taken between opening and closing, would be lost.
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

/** SQLite's lock of whoever is about to write; nothing is ever written. Freed when the connection is closed. */
async function hold(path: string, directory: string, name: string): Promise<DatabaseSync> {
  const { DatabaseSync: Connection } = loadSqlite();
  let connection: DatabaseSync | undefined;
  try {
    connection = new Connection(path);
    connection.exec("PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE");
    return connection;
  } catch (error) {
    connection?.close();
    if (resultCode(error) === busy) throw await inUse(directory, name);
    // Who may not write there is told so by the system.
    await access(path, constants.R_OK | constants.W_OK);
    throw new Error(
      `the data directory ${directory} cannot be locked (${error instanceof Error ? error.message : "unknown"}): ` +
        "set DATA_DIR to a local disk, or use Postgres by DATABASE_URL",
      { cause: error },
    );
  }
}

/** SQLITE_BUSY; extended codes have more above their lowest byte. */
const busy = 5;

function resultCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

/** Whole or not at all. */
function writeHolder(name: string, since: Date): void {
  const text = JSON.stringify({ host: hostname(), pid: process.pid, since: since.toISOString() });
  writeFileSync(`${name}.new`, `${text}\n`, { mode: 0o600 });
  renameSync(`${name}.new`, name);
}

async function inUse(directory: string, name: string): Promise<DataDirectoryInUse> {
  const holder = (await findHolder(name)) ?? "another process, or is on a network file system that gives no locks";
  return new DataDirectoryInUse(
    `the data directory ${directory} is in use by ${holder}: ` +
      "stop that process, or set another DATA_DIR, or use Postgres by DATABASE_URL",
  );
}

/** One that has just come may be about to write its name, perhaps over that of a dead one. */
const nameWait = { lookMs: 50, looks: 20 };

async function findHolder(name: string): Promise<string | undefined> {
  for (let look = 0; look < nameWait.looks; look++) {
    await delay(nameWait.lookMs);
    const holder = await readHolder(name);
    if (holder !== undefined) return holder;
  }
  return undefined;
}

/** Undefined where nothing is said, or something else; it ends up in a message. */
async function readHolder(name: string): Promise<string | undefined> {
  try {
    const { host, pid, since }: Record<string, unknown> = JSON.parse(await readFile(name, "utf8"));
    if (typeof host !== "string" || typeof pid !== "number" || typeof since !== "string") return undefined;
    return /^[\w.-]+$/.test(host) && !Number.isNaN(Date.parse(since))
      ? `process ${pid} on ${host} since ${since}`
      : undefined;
  } catch {
    return undefined;
  }
}
