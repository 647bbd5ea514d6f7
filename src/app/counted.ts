import type { Log } from "../world.ts";

/** Something that is counted in the database for `/health`. */
export interface Counted<T> {
  /** Counted anew when the last count is a minute old; the last one while the database cannot be asked. */
  read(): Promise<{ readonly value: T; readonly at: Date } | undefined>;
}

export interface CountedOptions {
  /** What is logged when it cannot be counted. */
  readonly failure: string;
  readonly log: Log;
  readonly now: () => Date;
}

const maxAgeMs = 60_000;

/** Counts once, and then when it is read. Those who read at once share one count. */
export async function createCounted<T>(
  count: () => Promise<T>,
  { failure, log, now }: CountedOptions,
): Promise<Counted<T>> {
  let last: { readonly value: T; readonly at: Date } | undefined;
  let counting: Promise<void> | undefined;

  async function countOnce(): Promise<void> {
    try {
      last = { value: await count(), at: now() };
    } catch (error) {
      log.warn({ error: error instanceof Error ? error.name : "unknown" }, failure);
    }
  }
  await countOnce();

  return {
    async read() {
      if (last === undefined || Math.abs(now().getTime() - last.at.getTime()) >= maxAgeMs) {
        counting ??= countOnce().finally(() => {
          counting = undefined;
        });
        await counting;
      }
      return last;
    },
  };
}
