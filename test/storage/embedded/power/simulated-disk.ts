import type { SeededRandom } from "../../../../rig/seeded-random.ts";
import { Content } from "./content.ts";
import type { Operation } from "./operation.ts";

/** What is found on a disk after its power failed. */
export interface DiskImage {
  /** Names and numbers of what is in a folder; undefined for a file. */
  entries(node: number): ReadonlyMap<string, number> | undefined;
  /** Not to be written to: images share it. */
  bytes(file: number): Uint8Array;
}

type NameOperation = Extract<Operation, { readonly at: unknown } | { readonly from: unknown }>;
type ContentOperation = Extract<Operation, { readonly file: number }>;

/** A disk that has for certain only what was flushed, as POSIX says: contents with their file, names with their folder. */
export class SimulatedDisk {
  readonly #contents = new Map<number, Content>();
  readonly #folders = new Map<number, Map<string, number>>([[0, new Map()]]);
  /** In the order in which they were done. */
  #unflushedNames: NameOperation[] = [];
  readonly #unflushedContents = new Map<number, ContentOperation[]>();

  apply(operation: Operation): void {
    switch (operation.kind) {
      case "make":
        if (operation.type === "folder") this.#folders.set(operation.node, new Map());
        else this.#contents.set(operation.node, new Content());
        this.#unflushedNames.push(operation);
        return;
      case "link":
      case "unlink":
      case "rename":
        this.#unflushedNames.push(operation);
        return;
      case "write":
      case "resize": {
        const unflushed = this.#unflushedContents.get(operation.file);
        if (unflushed === undefined) this.#unflushedContents.set(operation.file, [operation]);
        else unflushed.push(operation);
        return;
      }
      case "flush":
        this.#flush(operation.node);
        return;
    }
  }

  #flush(node: number): void {
    if (this.#folders.has(node)) {
      const concerns = (operation: NameOperation) =>
        operation.kind === "rename"
          ? operation.from.folder === node || operation.to.folder === node
          : operation.at.folder === node;
      for (const operation of this.#unflushedNames.filter(concerns)) applyName(this.#folders, operation);
      this.#unflushedNames = this.#unflushedNames.filter((operation) => !concerns(operation));
      return;
    }
    const content = this.#contents.get(node);
    for (const operation of this.#unflushedContents.get(node) ?? []) content?.apply(operation);
    this.#unflushedContents.delete(node);
  }

  /** The disk as it is while it has power. */
  whole(): DiskImage {
    return this.#image(
      (operations) => operations,
      (content, operations) => content.after(operations),
    );
  }

  /** The disk as a power failure in this moment leaves it: what was not flushed is there or not, by chance. */
  fail(random: SeededRandom): DiskImage {
    return this.#image(
      (operations) => survivors(operations, random),
      (content, operations) => content.survivor(operations, random),
    );
  }

  #image(
    namesKept: (operations: readonly NameOperation[]) => readonly NameOperation[],
    contentKept: (flushed: Content, operations: readonly ContentOperation[]) => Content,
  ): DiskImage {
    const folders = new Map([...this.#folders].map(([node, entries]) => [node, new Map(entries)]));
    for (const operation of namesKept(this.#unflushedNames)) applyName(folders, operation);
    const changed = new Map<number, Uint8Array>();
    for (const [file, unflushed] of this.#unflushedContents) {
      const flushed = this.#contents.get(file);
      if (flushed !== undefined) changed.set(file, contentKept(flushed, unflushed).bytes);
    }
    return {
      entries: (node) => folders.get(node),
      bytes: (file) => changed.get(file) ?? this.#contents.get(file)?.bytes ?? new Uint8Array(),
    };
  }
}

function applyName(folders: ReadonlyMap<number, Map<string, number>>, operation: NameOperation): void {
  switch (operation.kind) {
    case "make":
    case "link":
      folders.get(operation.at.folder)?.set(operation.at.name, operation.node);
      return;
    case "unlink":
      folders.get(operation.at.folder)?.delete(operation.at.name);
      return;
    case "rename":
      folders.get(operation.from.folder)?.delete(operation.from.name);
      folders.get(operation.to.folder)?.set(operation.to.name, operation.node);
      return;
  }
}

/** None, all, those up to some moment as a journal keeps them, or any. */
function survivors<T>(unflushed: readonly T[], random: SeededRandom): readonly T[] {
  switch (random.below(4)) {
    case 0:
      return [];
    case 1:
      return unflushed;
    case 2:
      return unflushed.slice(0, random.below(unflushed.length + 1));
    default:
      return unflushed.filter(() => random.below(2) === 0);
  }
}
