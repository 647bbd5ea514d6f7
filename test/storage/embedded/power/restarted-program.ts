import { PGlite } from "@electric-sql/pglite";
import { processFile } from "../../../../src/storage/embedded/files.ts";
import type { DiskImage } from "./simulated-disk.ts";

/**
 * One PGlite that is started again and again, each time on the files of another disk, as if its process were new. That
 * takes a tenth of what a new one takes: its memory is set back to what it was before the first start.
 */
export class RestartedProgram {
  readonly #client: PGlite;
  readonly #memory: Uint8Array;
  readonly #stack: number;
  readonly #streams: ReadonlySet<unknown>;
  #mounted = false;

  static async create(): Promise<RestartedProgram> {
    return new RestartedProgram(await PGlite.create({ noInitDb: true }));
  }

  private constructor(client: PGlite) {
    this.#client = client;
    const { HEAPU8, FS } = client.Module;
    this.#memory = HEAPU8.slice(0, HEAPU8.findLastIndex((byte: number) => byte !== 0) + 1);
    this.#stack = client.Module.stackSave();
    this.#streams = new Set(FS.streams);
    FS.mkdirTree(PGlite.paths.PGDATA);
  }

  /** Starts it on a folder of the disk, where it recovers by itself. What it writes is in no other image. @throws if it does not start. */
  start(disk: DiskImage, folder: number): PGlite {
    const program = this.#client.Module;
    this.#forget();
    mount(program, disk, folder);
    this.#mounted = true;
    program._pgl_setPGliteActive(1);
    const defaults = PGlite.defaultStartParams;
    // The less memory it has for its pages, the less there is to set back.
    const started = program.callMain([...defaults, "-c", "shared_buffers=1MB", "-D", PGlite.paths.PGDATA, "postgres"]);
    if (started !== alive) throw new Error(`the database ended with ${started}`);
    program._pgl_startPGlite();
    return this.#client;
  }

  #forget(): void {
    const { FS, HEAPU8, stackRestore } = this.#client.Module;
    for (const stream of FS.streams) {
      if (stream !== undefined && stream !== null && !this.#streams.has(stream)) FS.closeStream(stream.fd);
    }
    if (this.#mounted) FS.unmount(PGlite.paths.PGDATA);
    HEAPU8.set(this.#memory);
    HEAPU8.fill(0, this.#memory.length);
    stackRestore(this.#stack);
  }
}

/** What PGlite's main returns with while the program goes on. */
const alive = 99;

type Program = PGlite["Module"];

interface MemoryNode {
  contents: unknown;
  usedBytes: number;
  stream_ops: { write(stream: { readonly node: MemoryNode }, ...rest: readonly unknown[]): number };
}

function mount({ FS, MEMFS }: Program, disk: DiskImage, folder: number): void {
  // A file's bytes belong to all images until this program writes there.
  const own = (node: MemoryNode, shared: Uint8Array) => {
    if (node.contents === shared) node.contents = shared.slice();
  };
  function fill(parent: MemoryNode, at: number): void {
    for (const [name, child] of disk.entries(at) ?? []) {
      // As every start does.
      if (name === processFile) continue;
      const isFolder = disk.entries(child) !== undefined;
      const node = MEMFS.createNode(parent, name, isFolder ? folderMode : fileMode, 0);
      if (isFolder) {
        fill(node, child);
        continue;
      }
      const bytes = disk.bytes(child);
      const { write } = MEMFS.stream_ops;
      Object.assign(node, { contents: bytes, usedBytes: bytes.length });
      node.stream_ops = {
        ...MEMFS.stream_ops,
        write(stream: { readonly node: MemoryNode }, ...rest: readonly unknown[]) {
          own(stream.node, bytes);
          return write(stream, ...rest);
        },
      };
    }
  }
  FS.mount(MEMFS, {}, PGlite.paths.PGDATA);
  fill(FS.lookupPath(PGlite.paths.PGDATA).node, folder);
}

const folderMode = 0o40700;
const fileMode = 0o100600;
