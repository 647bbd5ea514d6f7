import type { ChangeFeed } from "../model/change-feed.ts";
import type { InstallationChange, InstallationChanges } from "./installation-changes.ts";

/** The changes as they come, read once for all who wait for them in this process. */
export interface ChangeTail {
  /**
   * The next changes after a sequence, at once where there are any; none if there are none for so long.
   * @throws the reason of `signal`; ServiceError SERVICE_UNAVAILABLE while the database cannot be read.
   */
  next(sequence: number, milliseconds: number, signal: AbortSignal): Promise<readonly InstallationChange[]>;
}

/** Changes in memory: who is further behind reads the database. */
const maxRecent = 1_000;
const batch = 250;
/** Whatever the feed says, and in case it is cut off. */
const pollMs = 1_000;
/** So many failures in a row, and whoever waits is told. */
const maxFailures = 5;

interface Waiter {
  readonly sequence: number;
  readonly done: (error?: unknown) => void;
}

export function createChangeTail(parts: {
  readonly history: Pick<InstallationChanges, "after">;
  readonly feed: ChangeFeed;
}): ChangeTail {
  const { history, feed } = parts;
  const waiting = new Set<Waiter>();
  let recent: readonly InstallationChange[] = [];
  /** The last change that was read for all; undefined before the first. */
  let reached: number | undefined;
  let looking = false;
  /** Whether there may be something that was not looked for. */
  let stale = true;
  let failures = 0;
  let poll: NodeJS.Timeout | undefined;

  feed.subscribe((change) => {
    if (change.kind !== "history" && change.kind !== "everything") return;
    stale = true;
    if (waiting.size > 0) void look();
  });

  /** Undefined: memory does not reach so far back. */
  function remembered(sequence: number): readonly InstallationChange[] | undefined {
    const first = recent[0]?.sequence;
    if (first === undefined || sequence < first - 1) return undefined;
    return recent.slice(sequence - first + 1, sequence - first + 1 + batch);
  }

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      while (stale) {
        stale = false;
        const from = reached ?? Math.min(...[...waiting].map(({ sequence }) => sequence));
        if (!Number.isFinite(from)) return;
        const page = await history.after(from, batch);
        if (page.length === batch) stale = true;
        const isNext = page[0] === undefined || page[0].sequence === from + 1;
        recent = [...(isNext ? recent : []), ...page].slice(-maxRecent);
        reached = page.at(-1)?.sequence ?? from;
        wake((waiter) => waiter.sequence < (reached ?? 0));
      }
      failures = 0;
    } catch (error) {
      stale = true;
      failures += 1;
      if (failures >= maxFailures) wake(() => true, error);
    } finally {
      looking = false;
    }
  }

  function wake(which: (waiter: Waiter) => boolean, error?: unknown): void {
    for (const waiter of [...waiting].filter(which)) waiter.done(error);
  }

  /** True: there may be something to read. */
  function wait(sequence: number, milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        waiting.delete(waiter);
        if (waiting.size > 0) return;
        clearInterval(poll);
        poll = undefined;
      };
      const waiter: Waiter = {
        sequence,
        done(error) {
          end();
          if (error === undefined) resolve(true);
          else reject(error);
        },
      };
      const abort = () => waiter.done(signal.reason);
      const timer = setTimeout(() => {
        end();
        resolve(false);
      }, milliseconds);
      signal.addEventListener("abort", abort);
      waiting.add(waiter);
      poll ??= setInterval(() => {
        stale = true;
        void look();
      }, pollMs);
      if (stale || reached === undefined) void look();
    });
  }

  return {
    async next(sequence, milliseconds, signal) {
      const endsAt = performance.now() + milliseconds;
      for (;;) {
        signal.throwIfAborted();
        const known = remembered(sequence);
        if (known !== undefined && known.length > 0) return known;
        if (known === undefined && (reached === undefined || sequence < reached)) {
          const read = await history.after(sequence, batch);
          if (read.length > 0) return read;
        }
        if (!(await wait(sequence, Math.max(0, endsAt - performance.now()), signal))) return [];
      }
    },
  };
}
