import { ServiceError } from "../../errors.ts";
import type { ChangeFeed } from "../model/change-feed.ts";
import type { InstallationChange, InstallationChanges } from "./installation-changes.ts";
import { type Place, placeOf } from "./place.ts";

/** The changes as they come, read once for all who wait for them in this process. */
export interface ChangeTail {
  /**
   * The next changes after a place, at once where there are any; none if there are none for so long.
   * @throws the reason of `signal`; ServiceError SERVICE_UNAVAILABLE while the database cannot be read, and where nothing
   * follows from that place any more: what came next is forgotten, or the database was set back and went another way.
   */
  next(place: Place, milliseconds: number, signal: AbortSignal): Promise<readonly InstallationChange[]>;
}

/** Changes in memory: who is further behind reads the database. */
const maxRecent = 1_000;
const batch = 250;
/** Whatever the feed says, and in case it is cut off. */
const pollMs = 1_000;
/** So many failures in a row, and whoever waits is told. */
const maxFailures = 5;

interface Waiter {
  readonly place: Place;
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
  let reached: Place | undefined;
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

  /** Undefined: this is not in memory. */
  function remembered(place: Place): readonly InstallationChange[] | undefined {
    if (isSame(place, reached)) return [];
    const index = place.sequence - (recent[0]?.sequence ?? Number.POSITIVE_INFINITY);
    const change = recent[index];
    return change && isSame(place, placeOf(change)) ? recent.slice(index + 1, index + 1 + batch) : undefined;
  }

  /** Undefined: nothing follows from there. */
  async function readBehind(place: Place): Promise<readonly InstallationChange[] | undefined> {
    // With the place itself: another database, after a failover or a restore, has another one there, or none.
    const [first, ...further] = await history.after(Math.max(place.sequence - 1, 0), batch + 1);
    if (first === undefined) return place.sequence === 0 ? [] : undefined;
    const page = first.sequence === place.sequence ? further : [first, ...further];
    if (page !== further ? first.sequence !== place.sequence + 1 : !isSame(place, placeOf(first))) return undefined;
    return page[0] === undefined || page[0].sequence === place.sequence + 1 ? page : undefined;
  }

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      while (stale) {
        stale = false;
        const from = reached ?? earliest(waiting);
        if (from === undefined) return;
        const page = await readBehind(from);
        if (page === undefined) {
          // Each of them finds out where it stands by itself.
          recent = [];
          reached = undefined;
          wake(() => true);
          continue;
        }
        if (page.length >= batch) stale = true;
        recent = [...recent, ...page].slice(-maxRecent);
        const last = page.at(-1);
        reached = last === undefined ? from : placeOf(last);
        wake(({ place }) => place.sequence < (reached?.sequence ?? 0));
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
  function wait(place: Place, milliseconds: number, signal: AbortSignal): Promise<boolean> {
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
        place,
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
    async next(place, milliseconds, signal) {
      const endsAt = performance.now() + milliseconds;
      for (;;) {
        signal.throwIfAborted();
        const further = remembered(place) ?? (await readBehind(place));
        if (further === undefined) {
          throw new ServiceError("SERVICE_UNAVAILABLE", "what changed meanwhile is not known any more: watch again");
        }
        if (further.length > 0) return further;
        if (!(await wait(place, Math.max(0, endsAt - performance.now()), signal))) return [];
      }
    },
  };
}

function isSame(one: Place, other: Place | undefined): boolean {
  return one.sequence === other?.sequence && one.mark === other.mark;
}

function earliest(waiting: ReadonlySet<Waiter>): Place | undefined {
  return [...waiting].map(({ place }) => place).toSorted((a, b) => a.sequence - b.sequence)[0];
}
