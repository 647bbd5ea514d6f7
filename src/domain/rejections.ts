import { LRUCache } from "lru-cache";
import { ServiceError } from "../errors.ts";
import type { Rate } from "./caller.ts";
import { fullBucket, type TokenBucket, takeToken, waitForToken } from "./token-bucket.ts";

/** What one caller may have of one credential, and what it hears beyond. */
export interface Share {
  readonly rate: Rate;
  readonly message: string;
}

/** A token that is refused, its successor too, and so on: that is trouble which no further token ends. */
export const replacements: Share = {
  rate: { perSecond: 0.1, burst: 5 },
  message: "the tokens of this installation were rejected too often",
};
/** Asking the platform for what it does not give costs what everybody lives by: its patience with us. */
export const fruitlessMints: Share = {
  rate: { perSecond: 1, burst: 30 },
  message: "this installation was asked too often for what it does not give",
};
const maxKnown = 100_000;

/** What one caller has had of its share of one credential, in the memory of this process. */
export interface Rejections {
  /**
   * Runs what asks the platform. Only what is `counted` counts, once for all who waited for it: a hundred rejections at
   * once are one, and a platform in trouble is told as such.
   * @throws ServiceError CALLER_RATE_LIMITED if this caller has had its share of this credential.
   */
  replace<Outcome extends object>(
    who: { readonly caller: string; readonly subject: string },
    work: () => Promise<Outcome>,
    counted: (outcome: Outcome) => boolean,
  ): Promise<Outcome>;
}

export function createRejections({ now }: { readonly now: () => Date }, share = replacements): Rejections {
  const { rate, message } = share;
  const spent = new LRUCache<string, { readonly bucket: TokenBucket; last: object | undefined }>({ max: maxKnown });

  return {
    async replace({ caller, subject }, work, counted) {
      const key = `${caller}|${subject}`;
      const own = spent.get(key) ?? { bucket: fullBucket(rate, now().getTime()), last: undefined };
      const waitMs = waitForToken(own.bucket, rate, now().getTime());
      if (waitMs > 0) {
        throw new ServiceError("CALLER_RATE_LIMITED", message, { retryAfterMs: waitMs });
      }
      spent.set(key, own);
      const outcome = await work();
      // Those who share a flight share its outcome.
      if (counted(outcome) && own.last !== outcome) {
        own.last = outcome;
        takeToken(own.bucket, rate, now().getTime());
      }
      return outcome;
    },
  };
}
