import { closeSync, fsyncSync, openSync } from "node:fs";
import { platform } from "node:os";
import { dirname } from "node:path";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { errorCode } from "../database-failure.ts";
import { layToRest, ProgramEnded } from "./ended-program.ts";

/** This version of PGlite loses on a power failure what it says is committed. */
export class CannotFlush extends Error {
  constructor(reason: string) {
    super(`${reason}, so that a power failure would lose what was answered as stored: use a version that does`);
    this.name = "CannotFlush";
  }
}

/**
 * PGlite's files in a folder of this machine, with what they lack there: what Postgres flushes is flushed to the disk, and
 * with a new file the folders that lead to it. A program that ends itself, since its disk failed it, stays ended. For
 * Postgres to flush anything PGlite has to be started with `flushingStartParams`.
 */
export class FlushingNodeFS extends NodeFS {
  #flushes = 0;
  /** Folders with names that are perhaps not on the disk yet. */
  readonly #unflushed = new Set<string>();

  #diskCode: string | undefined;
  #ended: ProgramEnded | undefined;

  /** Set once the program has ended by itself: its files have to be opened anew, by another one. */
  get ended(): ProgramEnded | undefined {
    return this.#ended;
  }

  /** How the disk failed the program last: ENOSPC, EIO. */
  get diskCode(): string | undefined {
    return this.#diskCode;
  }

  /** How often Postgres has had something flushed. */
  get flushes(): number {
    return this.#flushes;
  }

  /** @throws CannotFlush, before anything is written. */
  override async init(...[pg, options]: Parameters<NodeFS["init"]>): ReturnType<NodeFS["init"]> {
    const { emscriptenOpts } = await super.init(pg, options);
    // Runs before the folder is mounted: from then on every file has these operations.
    const preRun = [(module: object) => this.#addFlush(module), ...(emscriptenOpts.preRun ?? [])];
    const end = () => {
      this.#ended ??= new ProgramEnded(this.#diskCode);
      if (pg.Module !== undefined) layToRest(pg.Module);
    };
    const onExit = (code: number) => (normalExits.has(code) ? undefined : end());
    return { emscriptenOpts: { ...emscriptenOpts, preRun, onAbort: end, onExit } };
  }

  #addFlush(module: object): void {
    const files = findNodeFiles(module);
    const { tryFSOperation } = files;
    files.tryFSOperation = (operation) =>
      tryFSOperation(() => {
        try {
          return operation();
        } catch (error) {
          const code = errorCode(error);
          if (code !== undefined && diskCodes.has(code)) this.#diskCode = code;
          throw error;
        }
      });
    const { mknod, rename } = files.node_ops;
    files.node_ops.mknod = (parent, ...rest) => {
      const node = mknod(parent, ...rest);
      this.#unflushed.add(files.realPath(parent));
      return node;
    };
    files.node_ops.rename = (node, folder, name) => {
      rename(node, folder, name);
      this.#unflushed.add(files.realPath(folder));
    };
    files.stream_ops.fsync = (stream) => {
      files.tryFSOperation(() => this.#flush(files.realPath(stream.node), stream.nfd));
      return 0;
    };
  }

  #flush(path: string, descriptor: number | undefined): void {
    if (descriptor === undefined) flushFolder(path);
    else fsyncSync(descriptor);
    this.#unflushed.delete(path);
    // A file that was flushed is of no use without its name. POSIX leaves that to a flush of the folder, and Postgres
    // leaves it to the file system.
    for (let folder = dirname(path); folder.startsWith(this.rootDir); folder = dirname(folder)) {
      if (!this.#unflushed.has(folder)) continue;
      flushFolder(folder);
      this.#unflushed.delete(folder);
    }
    this.#flushes += 1;
  }
}

/** The end of `close`, and that of PGlite's main, after which the program goes on. */
const normalExits: ReadonlySet<number> = new Set([0, 99]);
/** What the program does not expect of its files; that some are not there it does. */
const diskCodes: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS", "ENXIO"]);

/** PGlite's own start parameters without the one that turns flushing off. Its fdatasync does nothing, its fsync flushes. */
export function flushingStartParams(defaults: readonly string[]): string[] {
  return [...defaults.filter((param) => param !== "-F"), "-c", "fsync=on", "-c", "wal_sync_method=fsync"];
}

/** Windows flushes no folders, and keeps names by itself. */
function flushFolder(path: string): void {
  if (platform() === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What is used here of Emscripten's NODEFS, which has no types of its own. */
interface NodeFiles {
  realPath(node: object): string;
  /** Turns what Node throws into an error number of the program's. */
  tryFSOperation(operation: () => unknown): unknown;
  readonly node_ops: {
    mknod(parent: object, ...rest: readonly unknown[]): unknown;
    rename(node: object, folder: object, name: string): void;
  };
  readonly stream_ops: {
    /** Called by the program's fsync if it is there; without it that says 0 and does nothing. */
    fsync?(stream: { readonly node: object; readonly nfd?: number }): number;
  };
}

function findNodeFiles(module: object): NodeFiles {
  const files: unknown = "NODEFS" in module ? module.NODEFS : undefined;
  if (!isNodeFiles(files)) throw new CannotFlush("this version of PGlite has no NODEFS that a flush can be added to");
  return files;
}

function isNodeFiles(files: unknown): files is NodeFiles {
  return (
    has(files, "realPath") &&
    has(files, "tryFSOperation") &&
    typeof files === "object" &&
    files !== null &&
    "node_ops" in files &&
    has(files.node_ops, "mknod") &&
    has(files.node_ops, "rename") &&
    "stream_ops" in files &&
    has(files.stream_ops, "open")
  );
}

function has(operations: unknown, name: string): boolean {
  return typeof (operations as { [name: string]: unknown } | undefined)?.[name] === "function";
}
