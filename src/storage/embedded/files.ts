import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { PGlite } from "@electric-sql/pglite";
import { errorCode } from "../database-failure.ts";
import { CannotFlush, FlushingNodeFS, flushingStartParams } from "./flushing-node-fs.ts";

/** The major version of Postgres that PGlite is; its files fit no other. */
export const postgresVersion = "18";

/**
 * A quarter of the usual: the program clears all of it when it starts, which is a fifth of a start and 100 MB of memory,
 * and what it does not hold is in the system's own cache.
 */
const sharedBuffersBytes = 32 * 1024 * 1024;

/**
 * Where Postgres says who uses its files, which of an embedded database its folder's lock does. Made without contents at
 * first: one that is left so by a power failure would be refused ever after.
 */
export const processFile = "postmaster.pid";

export interface EmbeddedFiles {
  readonly client: PGlite;
  readonly files: FlushingNodeFS;
}

/**
 * Opens the files of an embedded database that nobody else uses, or makes them if the folder is empty. What is committed
 * has been flushed to the disk; names and contents of a database that was made just now have not (`flushTree`).
 * @throws Error that says what to do if they are another version's, or damaged; one with the code ENOSPC on a full disk;
 * CannotFlush.
 */
export async function openEmbeddedFiles(path: string): Promise<EmbeddedFiles> {
  await checkVersion(path);
  await rm(join(path, processFile), { recursive: true, force: true });
  const files = new FlushingNodeFS(path);
  const client = await create(path, files);
  try {
    await proveFlush(client, files);
  } catch (error) {
    if (files.ended === undefined) await client.close();
    throw error;
  }
  return { client, files };
}

/**
 * V8 optimises a function of the program once so much of it has run. By its own measure, an eighth of this, a start is
 * spent on optimising what is used in a start alone: a third of its processor time, and 100 MB of memory.
 */
const optimisedAfter = 100_000_000;

async function create(path: string, fs: FlushingNodeFS): Promise<PGlite> {
  setFlagsFromString(`--wasm-tiering-budget=${optimisedAfter}`);
  try {
    const startParams = [
      ...flushingStartParams(PGlite.defaultStartParams),
      "-c",
      `shared_buffers=${sharedBuffersBytes / 1024}kB`,
    ];
    return await PGlite.create({ fs, startParams });
  } catch (error) {
    if (error instanceof CannotFlush) throw error;
    // The database is a program of its own inside of this one, and what it ends with is no error of Node's.
    if (fs.diskCode !== undefined) throw Object.assign(new Error("the disk failed"), { code: fs.diskCode });
    if (hasErrno(error, wasiNoSpace)) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
    throw new Error(damaged(path), { cause: error });
  }
}

/** Commits something, and looks whether that was flushed. @throws CannotFlush if it was not. */
export async function proveFlush(client: PGlite, files: FlushingNodeFS): Promise<void> {
  const before = files.flushes;
  // The smallest thing that a commit waits for: it is in no table.
  await client.query("select pg_logical_emit_message(true, 'flush', '')");
  if (files.flushes === before) throw new CannotFlush("this version of PGlite does not flush what it commits");
}

async function checkVersion(path: string): Promise<void> {
  const files = await readdir(path).catch((error: unknown): readonly string[] => {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  });
  if (files.length === 0) return;
  // Without this file PGlite would take the folder for a fresh one.
  if (!files.includes("PG_VERSION")) throw new Error(damaged(path));
  const version = (await readFile(join(path, "PG_VERSION"), "utf8")).trim();
  if (version === postgresVersion) return;
  throw new Error(
    `the embedded database in ${path} has the files of Postgres ${version}, and this version of the service reads those ` +
      `of ${postgresVersion}: run the version that made it, or move ${path} away to begin anew`,
  );
}

function damaged(path: string): string {
  return `the embedded database in ${path} does not open, its files are damaged: restore a copy, or move ${path} away to begin anew`;
}

/** ENOSPC in the numbers of WASI. */
const wasiNoSpace = 51;

function hasErrno(error: unknown, errno: number): boolean {
  return typeof error === "object" && error !== null && "errno" in error && error.errno === errno;
}
