import { link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { formatHolder, type LockHolder, parseHolder } from "./lock-holder.ts";
import { processStart, unknownStart } from "./process-start.ts";

export interface DataDirectoryLock {
  /** Gives the directory free; does nothing if it is not ours any more. */
  release(): Promise<void>;
}

export interface DataDirectoryOptions {
  readonly now: () => Date;
  readonly random: (bytes: number) => Buffer;
}

/** Our pid in a lock means that an earlier process had it, unless the lock was taken by this very process. */
const takenHere = new Set<string>();

/**
 * Makes the directory (mode 0700) and takes its lock file, so that one process at a time opens what is in it.
 * What a dead process left locked is taken over. Needs a file system with hard links.
 * @throws Error that names the directory, the holder's pid and since when, and says what to do, if a living process holds it.
 */
export async function lockDataDirectory(directory: string, options: DataDirectoryOptions): Promise<DataDirectoryLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const own: LockHolder = {
    id: options.random(8).toString("hex"),
    pid: process.pid,
    processStart: (await processStart(process.pid)) ?? unknownStart,
    lockedAt: options.now(),
  };
  const lock = join(directory, "lock");
  // A lock is whole from its first moment: written aside, then linked to its name, which fails if the name is taken.
  const written = join(directory, `lock.${own.id}.new`);
  takenHere.add(own.id);
  try {
    await writeFile(written, formatHolder(own), { flag: "wx", mode: 0o600 });
    await take({ directory, written, own }, lock);
  } catch (error) {
    takenHere.delete(own.id);
    throw error;
  } finally {
    await rm(written, { force: true });
  }

  return {
    async release() {
      if (!takenHere.delete(own.id)) return;
      if ((await read(lock))?.id === own.id) await rm(lock, { force: true });
    },
  };
}

/** Each attempt fails only because a rival came or went in that very moment. */
const maxAttempts = 100;

interface Claim {
  readonly directory: string;
  readonly written: string;
  readonly own: LockHolder;
}

/**
 * Takes the lock at `path`. A dead holder's lock is replaced only by whoever holds the lock on its succession, which
 * is taken the same way: so nobody removes a lock that a faster rival has just put there.
 */
async function take(claim: Claim, path: string): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    if (await linked(claim.written, path)) return;
    const found = await read(path);
    if (found === undefined) continue;
    if (found.id === claim.own.id) return;
    if (await isAlive(found)) throw held(claim.directory, found);

    const succession = join(claim.directory, `lock.${found.id}`);
    await take(claim, succession);
    // Whoever was faster has replaced the dead lock, and ended its succession, before we could take that.
    if ((await read(path))?.id === found.id) return rename(succession, path);
    await rm(succession, { force: true });
  }
  throw new Error(`${path} keeps changing: remove it if no process uses the data directory`);
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined if there is no lock. One that cannot be read names no living process and is known by its inode. */
async function read(path: string): Promise<LockHolder | undefined> {
  try {
    const { ino, mtimeMs } = await stat(path);
    const text = await readFile(path, "utf8");
    return parseHolder(text) ?? { id: `unreadable-${ino}-${mtimeMs}`, pid: 0, processStart: "", lockedAt: new Date(0) };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function isAlive(holder: LockHolder): Promise<boolean> {
  if (holder.pid === process.pid) return takenHere.has(holder.id);
  if (holder.pid === 0) return false;
  const start = await processStart(holder.pid);
  if (start === undefined) return false;
  return start === holder.processStart || start === unknownStart || holder.processStart === unknownStart;
}

function held(directory: string, { pid, lockedAt }: LockHolder): Error {
  return new Error(
    `the data directory ${directory} is in use by process ${pid} since ${lockedAt.toISOString()}: ` +
      "stop that process, or set another DATA_DIR, or use Postgres by DATABASE_URL",
  );
}
