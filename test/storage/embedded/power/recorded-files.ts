import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, dirname, relative, resolve, sep } from "node:path";
import type { Operation, Place } from "./operation.ts";

export interface RecordedFiles {
  /** What was done so far. */
  readonly operations: readonly Operation[];
  stop(): void;
}

interface Node {
  readonly id: number;
  /** Undefined for a file. */
  readonly entries: Map<string, Node> | undefined;
}

/**
 * Records what this process does below an empty folder by `node:fs`, until it is stopped. What it does by other ways, or
 * by functions that are not known here, is not seen: whoever uses the record compares it with the folder at the end.
 */
export function recordFiles(folder: string): RecordedFiles {
  const operations: Operation[] = [];
  const root: Node = { id: 0, entries: new Map() };
  const open = new Map<number, Node>();
  const undo: (() => void)[] = [];
  let nodes = 1;
  /** Node's functions call each other; only the outermost one counts. */
  let depth = 0;

  const inside = (path: unknown) => typeof path === "string" && `${resolve(path)}${sep}`.startsWith(`${folder}${sep}`);

  function find(path: string): Node | undefined {
    let node: Node | undefined = root;
    for (const name of relative(folder, resolve(path)).split(sep)) {
      if (name !== "") node = node?.entries?.get(name);
    }
    return node;
  }
  function parentOf(path: string): { readonly entries: Map<string, Node>; readonly at: Place } {
    const parent = find(dirname(resolve(path)));
    if (parent?.entries === undefined) throw new Error(`${path} is in no folder that was seen`);
    return { entries: parent.entries, at: { folder: parent.id, name: basename(path) } };
  }

  const did = {
    made(path: string, type: "file" | "folder"): Node {
      const { entries, at } = parentOf(path);
      const node = { id: nodes++, entries: type === "folder" ? new Map<string, Node>() : undefined };
      entries.set(at.name, node);
      operations.push({ kind: "make", node: node.id, type, at });
      return node;
    },
    /** Opened with these flags, in Node's numbers or letters. */
    opened(path: string, flags: string | number): Node {
      const { O_CREAT, O_TRUNC } = fs.constants;
      const creates = typeof flags === "number" ? (flags & O_CREAT) !== 0 : /^[wa]/.test(flags);
      const truncates = typeof flags === "number" ? (flags & O_TRUNC) !== 0 : flags.startsWith("w");
      const found = find(path);
      if (found === undefined) {
        if (!creates) throw new Error(`${path} was opened, and nobody was seen to make it`);
        return did.made(path, "file");
      }
      if (truncates) operations.push({ kind: "resize", file: found.id, size: 0 });
      return found;
    },
    wrote(file: Node, bytes: Uint8Array, offset: number) {
      operations.push({ kind: "write", file: file.id, offset, bytes: Uint8Array.from(bytes) });
    },
    resized(file: Node | undefined, size: number) {
      if (file !== undefined) operations.push({ kind: "resize", file: file.id, size });
    },
    flushed(node: Node | undefined) {
      if (node !== undefined) operations.push({ kind: "flush", node: node.id });
    },
    renamed(from: string, to: string) {
      const [source, target] = [parentOf(from), parentOf(to)];
      const node = source.entries.get(source.at.name);
      if (node === undefined) throw new Error(`${from} was renamed, and nobody was seen to make it`);
      source.entries.delete(source.at.name);
      target.entries.set(target.at.name, node);
      operations.push({ kind: "rename", node: node.id, from: source.at, to: target.at });
    },
    linked(from: string, to: string) {
      const node = find(from);
      const { entries, at } = parentOf(to);
      if (node === undefined) throw new Error(`${from} was linked, and nobody was seen to make it`);
      entries.set(at.name, node);
      operations.push({ kind: "link", node: node.id, at });
    },
    removed(path: string) {
      const node = find(path);
      if (node === undefined) return;
      for (const name of node.entries?.keys() ?? []) did.removed(`${path}${sep}${name}`);
      const { entries, at } = parentOf(path);
      entries.delete(at.name);
      operations.push({ kind: "unlink", at });
    },
    madeWay(path: string) {
      if (find(path) !== undefined) return;
      if (dirname(resolve(path)) !== folder) did.madeWay(dirname(resolve(path)));
      did.made(path, "folder");
    },
  };

  /** Lets `note` know of every call that succeeds; a promise once it is kept. */
  function watch<Args extends unknown[]>(
    target: object,
    name: string,
    note: (args: Args, result: unknown) => void,
  ): void {
    const functions = target as { [name: string]: (...args: Args) => unknown };
    const original = functions[name];
    if (original === undefined) throw new Error(`node:fs has no ${name}`);
    functions[name] = function watched(this: unknown, ...args: Args): unknown {
      depth += 1;
      let result: unknown;
      try {
        result = original.apply(this, args);
      } finally {
        depth -= 1;
      }
      if (depth > 0) return result;
      if (!(result instanceof Promise)) {
        note(args, result);
        return result;
      }
      return result.then((value) => {
        note(args, value);
        return value;
      });
    };
    undo.push(() => {
      functions[name] = original;
    });
  }

  type Path = [path: string, ...rest: unknown[]];
  const { promises } = fs;
  for (const [target, suffix] of [
    [fs, "Sync"],
    [promises, ""],
  ] as const) {
    const paths = (name: string, note: (path: string, ...rest: readonly unknown[]) => void) =>
      watch<Path>(target, name + suffix, ([path, ...rest]) => void (inside(path) && note(path, ...rest)));
    paths("mkdir", (path, options) => (isRecursive(options) ? did.madeWay(path) : did.made(path, "folder")));
    paths("unlink", did.removed);
    paths("rmdir", did.removed);
    paths("rm", did.removed);
    paths("rename", (from, to) => did.renamed(from, String(to)));
    paths("link", (from, to) => did.linked(from, String(to)));
    paths("truncate", (path, size) => did.resized(find(path), Number(size ?? 0)));
    paths("writeFile", (path, data, options) => {
      const file = did.opened(path, flagOf(options) ?? "w");
      const bytes = Buffer.from(data as string | Uint8Array);
      if (bytes.length > 0) did.wrote(file, bytes, 0);
    });
  }
  watch<[string, string | number | undefined]>(fs, "openSync", ([path, flags = "r"], descriptor) => {
    if (inside(path)) open.set(descriptor as number, did.opened(path, flags));
  });
  watch<[number]>(fs, "closeSync", ([descriptor]) => void open.delete(descriptor));
  watch<[number]>(fs, "fsyncSync", ([descriptor]) => did.flushed(open.get(descriptor)));
  watch<[number, number]>(fs, "ftruncateSync", ([descriptor, size]) => did.resized(open.get(descriptor), size));
  watch<[number, Uint8Array, number, number, number]>(fs, "writeSync", ([descriptor, from, start, _, at], written) => {
    const file = open.get(descriptor);
    if (file === undefined) return;
    did.wrote(file, new Uint8Array(from.buffer, from.byteOffset + start, written as number), at);
  });
  watch<[string, string | undefined]>(promises, "open", ([path, flags = "r"], handle) => {
    if (!inside(path)) return;
    const node = did.opened(path, flags);
    const instance = handle as object;
    watch(instance, "sync", () => did.flushed(node));
    watch<[string | Uint8Array]>(instance, "writeFile", ([data]) => did.wrote(node, Buffer.from(data), 0));
  });
  syncBuiltinESMExports();

  return {
    operations,
    stop() {
      for (const restore of undo.splice(0).reverse()) restore();
      syncBuiltinESMExports();
    },
  };
}

function isRecursive(options: unknown): boolean {
  return typeof options === "object" && options !== null && "recursive" in options && options.recursive === true;
}

function flagOf(options: unknown): string | undefined {
  return typeof options === "object" && options !== null && "flag" in options ? String(options.flag) : undefined;
}
