import { boundedCache } from "../../work/bounded-cache.ts";
import type { CredentialSecrets, MintOutcome, Misconfigured, Platform, Unavailable } from "../model/platform.ts";

/** So many troubles in a row at one credential, and it is asked by one call every few seconds. */
const threshold = 5;
/** Met by so many different ones with no other answer in between, it is the platform that is left alone. */
const several = 3;
/** How often one call tries again: with the longest back-off of a credential below 10 s. */
const probeMs = 3_000;
/** How long a call that may try again is kept for who was let through longest ago. */
const preferenceMs = 1_000;
const maxRemembered = 10_000;

type Trouble = Misconfigured | Unavailable;

/** What a credential has met since the last answer that was none. */
interface Troubled {
  count: number;
  last: Trouble;
  /** When it was last asked for. */
  askedAt: number;
  nextAt: number;
}

/**
 * The same platform, left alone where it is in trouble. One credential in trouble is one call every few seconds; trouble
 * that several meet is the platform's or our registration's, and then one call of all of them tries, and one of those
 * that were not in trouble before: the first answer ends it for everybody. No loop of one can take the others' turns.
 */
export function withBreaker(platform: Platform): Platform {
  const troubled = boundedCache<Troubled>(maxRemembered);
  /** Since the last answer that was no trouble. */
  const met = boundedCache<true>(several);
  let inRow = 0;
  let trouble: Trouble | undefined;
  const turns = { known: takeTurns(), fresh: takeTurns() };
  const outage = () => (met.size >= several && inRow >= threshold ? trouble : undefined);

  /** Why a credential is not asked for now, and for how long. */
  function held(own: Troubled | undefined, now: number): MintOutcome | undefined {
    const common = outage();
    if (common !== undefined) {
      const waitMs = (own === undefined ? turns.fresh : turns.known).ask(own?.askedAt, now);
      return waitMs > 0 ? leftAlone(common, waitMs) : undefined;
    }
    if (own === undefined || own.count < threshold) return undefined;
    if (own.nextAt > now) return leftAlone(own.last, own.nextAt - now);
    own.nextAt = now + probeMs;
    return undefined;
  }

  function note(key: string, outcome: MintOutcome, askedAt: number): void {
    if (outcome.kind !== "misconfigured" && outcome.kind !== "unavailable") {
      if (outage() !== undefined) troubled.clear();
      troubled.delete(key);
      met.clear();
      inRow = 0;
      for (const lane of Object.values(turns)) lane.forget();
      return;
    }
    const now = performance.now();
    const wasOutage = outage() !== undefined;
    troubled.set(key, {
      count: (troubled.get(key)?.count ?? 0) + 1,
      last: outcome,
      askedAt,
      nextAt: now + probeMs,
    });
    met.set(key, true);
    inRow++;
    trouble = outcome;
    if (!wasOutage && outage() !== undefined) turns.known.begin(now);
  }

  return {
    ...platform,
    isInTrouble: () => outage() !== undefined,
    leftAlone: () => outage() !== undefined && Object.values(turns).every((lane) => lane.areTaken(performance.now())),
    async mint(credential, narrowing) {
      const key = keyOf(credential);
      const own = troubled.get(key);
      const now = performance.now();
      const refusal = held(own, now);
      if (refusal !== undefined) return refusal;
      if (own !== undefined) own.askedAt = now;
      const outcome = await platform.mint(credential, narrowing);
      note(key, outcome, now);
      return outcome;
    },
  };
}

/** One call every few seconds; of those that wait, whoever was let through longest ago. */
function takeTurns() {
  let nextAt = Number.NEGATIVE_INFINITY;
  let oldestWaiting = Number.POSITIVE_INFINITY;
  const begin = (now: number) => {
    nextAt = now + probeMs;
    oldestWaiting = Number.POSITIVE_INFINITY;
  };
  return {
    begin,
    areTaken: (now: number) => now < nextAt,
    forget() {
      nextAt = Number.NEGATIVE_INFINITY;
      oldestWaiting = Number.POSITIVE_INFINITY;
    },
    /** 0: it is this one's turn. Otherwise how long to wait. `askedAt` undefined: never let through. */
    ask(askedAt: number | undefined, now: number): number {
      const since = askedAt ?? Number.NEGATIVE_INFINITY;
      const from = nextAt + (since > oldestWaiting ? preferenceMs : 0);
      if (now >= from) {
        begin(now);
        return 0;
      }
      oldestWaiting = Math.min(oldestWaiting, since);
      return from - now;
    },
  };
}

/** A person's grants of several owners are one in the platform's eyes. */
function keyOf({ actor, subject }: CredentialSecrets): string {
  return `${actor}:${subject}`;
}

function leftAlone(trouble: Trouble, waitMs: number): MintOutcome {
  if (trouble.kind === "misconfigured") return trouble;
  return { kind: "unavailable", retryAfterMs: waitMs, mayHaveBeenProcessed: false, cause: "left_alone" };
}
