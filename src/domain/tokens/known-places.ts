import { boundedCache } from "../../work/bounded-cache.ts";

/** Networks from which one caller is known to get one token; forgetting one costs a second row, never a missing one. */
const maxKnown = 100_000;
/** Networks of one caller and token that get a row of their own within an hour: some tokens live for years. */
const maxNetworks = 100;
const hourMs = 3_600_000;

/** From where a caller is on record for a token of an installation. `subject` is these three. */
export interface KnownPlaces {
  /** `known`: on record; `full`: not, but as many others are, and this one is only counted. */
  standing(subject: string, network: string): "known" | "new" | "full";
  /**
   * Returns once a row is durable that this hand-out may rest on, written by `write` or by somebody who came before:
   * `written` if it is this one's own.
   */
  settle(subject: string, network: string, write: () => Promise<void>): Promise<"written" | "known">;
}

interface Networks {
  /** With a row, or with one on its way, since this hour began. */
  taken: number;
  hourBeganMs: number;
  /** A row of any of them. */
  durable: boolean;
  newest: Promise<void>;
}

export function createKnownPlaces({ now }: { readonly now: () => Date }): KnownPlaces {
  /** `true` once the row is durable; until then the commit that others wait for too. */
  const rows = boundedCache<Promise<void> | true>(maxKnown);
  const subjects = boundedCache<Networks>(maxKnown);

  async function first(key: string, subject: string, write: () => Promise<void>): Promise<"written"> {
    const written = write();
    const nowMs = now().getTime();
    const of = subjects.get(subject) ?? { taken: 0, hourBeganMs: nowMs, durable: false, newest: written };
    if (nowMs - of.hourBeganMs >= hourMs) [of.taken, of.hourBeganMs] = [0, nowMs];
    of.taken++;
    of.newest = written;
    subjects.set(subject, of);
    rows.set(key, written);
    try {
      await written;
      rows.set(key, true);
      of.durable = true;
      return "written";
    } catch (error) {
      rows.delete(key);
      of.taken = Math.max(0, of.taken - 1);
      throw error;
    }
  }

  function isFull(of: Networks | undefined): of is Networks {
    return of !== undefined && of.taken >= maxNetworks && now().getTime() - of.hourBeganMs < hourMs;
  }

  return {
    standing(subject, network) {
      if (rows.get(`${subject}|${network}`) === true) return "known";
      const of = subjects.get(subject);
      return isFull(of) && of.durable ? "full" : "new";
    },
    async settle(subject, network, write) {
      const key = `${subject}|${network}`;
      const of = subjects.get(subject);
      const row = rows.get(key) ?? (isFull(of) ? of.newest : undefined);
      if (row === undefined || row === true) return first(key, subject, write);
      try {
        await row;
        return "known";
      } catch {
        // The one that wrote for all of us failed; ours may get through.
        return first(key, subject, write);
      }
    },
  };
}
