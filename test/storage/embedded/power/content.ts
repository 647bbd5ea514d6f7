import type { SeededRandom } from "../../../../rig/seeded-random.ts";
import type { Operation } from "./operation.ts";

type ContentOperation = Extract<Operation, { readonly file: number }>;

/** What is written back to a disk in one piece. */
const pageBytes = 4096;

/** What is in a file. */
export class Content {
  #bytes: Uint8Array;
  #size: number;

  constructor(from: Uint8Array = new Uint8Array()) {
    this.#bytes = from;
    this.#size = from.length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  apply(operation: ContentOperation): void {
    if (operation.kind === "resize") this.#resize(operation.size);
    else this.#write(operation.offset, operation.bytes);
  }

  /** This file with all of it. */
  after(operations: readonly ContentOperation[]): Content {
    const content = new Content(this.bytes.slice());
    for (const operation of operations) content.apply(operation);
    return content;
  }

  /**
   * This file with some of what was done to it since it was flushed: each page as it was at some moment of its own, and the
   * size as it was at another.
   */
  survivor(since: readonly ContentOperation[], random: SeededRandom): Content {
    const moment = () => [0, since.length, random.below(since.length + 1)][random.below(3)] ?? 0;
    const how = random.below(4);
    if (how === 0) return this;
    if (how === 1) return this.after(since);
    const survivor = new Content(this.bytes.slice());
    const sized = moment();
    const pages = new Map<number, number>();
    let size = this.#size;
    since.forEach((operation, index) => {
      if (operation.kind === "resize") {
        if (index >= sized) return;
        size = operation.size;
        survivor.#resize(size);
        return;
      }
      const end = operation.offset + operation.bytes.length;
      if (index < sized) size = Math.max(size, end);
      for (let at = operation.offset; at < end; ) {
        const page = Math.floor(at / pageBytes);
        const until = Math.min(end, (page + 1) * pageBytes);
        const kept = pages.get(page) ?? moment();
        pages.set(page, kept);
        if (index < kept) {
          survivor.#write(at, operation.bytes.subarray(at - operation.offset, until - operation.offset));
        }
        at = until;
      }
    });
    survivor.#resize(size);
    return survivor;
  }

  #write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.#size) this.#resize(end);
    this.#bytes.set(bytes, offset);
  }

  #resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
      grown.set(this.bytes);
      this.#bytes = grown;
    }
    // What is cut off does not come back when the file grows again.
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#size = size;
  }
}
