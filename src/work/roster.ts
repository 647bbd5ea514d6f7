/**
 * Who is there for a while. An entry is emptied when it leaves: a Set in which many come and go leaves copies of itself
 * behind, which hold what they had until the next full collection (ADR 34).
 */
export class Roster<Item extends object> {
  readonly #entries = new Set<{ item: Item | undefined }>();

  get size(): number {
    return this.#entries.size;
  }

  /** Returns what takes it off again: to be called any number of times, it gives the item the first time. */
  add(item: Item): () => Item | undefined {
    const entry: { item: Item | undefined } = { item };
    this.#entries.add(entry);
    return () => {
      const left = entry.item;
      entry.item = undefined;
      this.#entries.delete(entry);
      return left;
    };
  }

  /** Those who are there, also when some of them leave meanwhile. */
  *[Symbol.iterator](): Generator<Item> {
    for (const { item } of [...this.#entries]) if (item !== undefined) yield item;
  }

  /** Takes all of them off. */
  empty(): readonly Item[] {
    const all = [...this];
    for (const entry of this.#entries) entry.item = undefined;
    this.#entries.clear();
    return all;
  }
}
