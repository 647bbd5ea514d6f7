import { LRUCache } from "lru-cache";
import { ServiceError } from "../errors.ts";
import type { Rate } from "./caller.ts";
import { fullBucket, type TokenBucket, takeToken, waitForToken } from "./token-bucket.ts";

/** A token that is refused, its successor too, and so on: that is trouble which no further token ends. */
const rate: Rate = { perSecond: 0.1, burst: 5 };
const maxKnown = 100_000;

/** What one caller has replaced of one credential by saying that its token was rejected, in the memory of this process. */
export interface Rejections {
  /**
   * Runs what replaces a rejected token. Only what brought a token counts, once for all who waited for it: a hundred
   * rejections at once are one, and a platform in trouble is told as such.
   * @throws ServiceError CALLER_RATE_LIMITED if this caller has had its share of this credential.
   */
  replace<Outcome extends object>(
    who: { readonly caller: string; readonly subject: string },
    work: () => Promise<Outcome>,
    brought: (outcome: Outcome) => boolean,
  ): Promise<Outcome>;
}

export function createRejections({ now }: { readonly now: () => Date }): Rejections {
  const spent = new LRUCache<string, { readonly bucket: TokenBucket; last: object | undefined }>({ max: maxKnown });

  return {
    async replace({ caller, subject }, work, brought) {
      const key = `${caller}|${subject}`;
      const own = spent.get(key) ?? { bucket: fullBucket(rate, now().getTime()), last: undefined };
      const waitMs = waitForToken(own.bucket, rate, now().getTime());
      if (waitMs > 0) {
        throw new ServiceError("CALLER_RATE_LIMITED", "the tokens of this installation were rejected too often", {
          retryAfterMs: waitMs,
        });
      }
      spent.set(key, own);
      const outcome = await work();
      // Those who share a flight share its outcome.
      if (brought(outcome) && own.last !== outcome) {
        own.last = outcome;
        takeToken(own.bucket, rate, now().getTime());
      }
      return outcome;
    },
  };
}
