import { ServiceError } from "../../errors.ts";
import { boundedCache } from "../../work/bounded-cache.ts";
import { fullBucket, type TokenBucket, takeToken, waitForToken } from "../access/rate-limiter.ts";
import type { Rate } from "../access/rule.ts";

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
   * Runs what asks the platform. Only what has a `counted` identity counts, once for all who get the same: a hundred
   * rejections at once are one, and a platform in trouble is told as such. Whose share is spent gets `otherwise`, which
   * asks nobody, where that has something: it may have come late to what another call of the hundred brought.
   * @throws ServiceError CALLER_RATE_LIMITED if this caller has had its share of this credential.
   */
  replace<Outcome extends object>(
    who: { readonly caller: string; readonly subject: string },
    work: () => Promise<Outcome>,
    counted: (outcome: Outcome) => unknown,
    otherwise?: () => Promise<Outcome | undefined>,
  ): Promise<Outcome>;
}

export function createRejections({ now }: { readonly now: () => Date }, share = replacements): Rejections {
  const { rate, message } = share;
  const spent = boundedCache<{ readonly bucket: TokenBucket; last: unknown }>(maxKnown);

  return {
    async replace({ caller, subject }, work, counted, otherwise) {
      const key = `${caller}|${subject}`;
      const own = spent.get(key) ?? { bucket: fullBucket(rate, now().getTime()), last: undefined };
      const waitMs = waitForToken(own.bucket, rate, now().getTime());
      if (waitMs > 0) {
        const other = await otherwise?.();
        if (other !== undefined) return other;
        throw new ServiceError("CALLER_RATE_LIMITED", message, { retryAfterMs: waitMs });
      }
      spent.set(key, own);
      const outcome = await work();
      const identity = counted(outcome);
      if (identity !== undefined && own.last !== identity) {
        own.last = identity;
        takeToken(own.bucket, rate, now().getTime());
      }
      return outcome;
    },
  };
}
