import { ServiceError } from "../../errors.ts";
import { boundedCache } from "../../work/bounded-cache.ts";
import type { Access } from "./access.ts";
import type { Rate } from "./rule.ts";

/** What is left of a rate. */
export interface TokenBucket {
  tokens: number;
  /** When `tokens` was worked out, in milliseconds of any clock. */
  atMs: number;
}

/** A full bucket. */
export function fullBucket(rate: Rate, nowMs: number): TokenBucket {
  return { tokens: rate.burst, atMs: nowMs };
}

/** Takes one token. Returns 0, or the milliseconds until there is one; a clock that went back adds nothing. */
export function takeToken(bucket: TokenBucket, rate: Rate, nowMs: number): number {
  const waitMs = waitForToken(bucket, rate, nowMs);
  if (waitMs === 0) bucket.tokens -= 1;
  return waitMs;
}

/** The milliseconds until there is a token to take; 0: there is one. */
export function waitForToken(bucket: TokenBucket, rate: Rate, nowMs: number): number {
  const gained = (Math.max(0, nowMs - bucket.atMs) * rate.perSecond) / 1000;
  bucket.tokens = Math.min(rate.burst, bucket.tokens + gained);
  bucket.atMs = nowMs;
  return bucket.tokens < 1 ? Math.ceil(((1 - bucket.tokens) * 1000) / rate.perSecond) : 0;
}

/** Rates by key, in the memory of this process. */
export interface RateLimiter {
  /** Takes one of a key's tokens. Returns 0, or the milliseconds until there is one. */
  take(key: string, rate: Rate): number;
}

/** Knows that many keys; of more, those asked for longest ago begin anew. */
export function createRateLimiter({
  now,
  maxKeys = 10_000,
}: {
  readonly now: () => Date;
  readonly maxKeys?: number;
}): RateLimiter {
  const buckets = boundedCache<TokenBucket>(maxKeys);
  return {
    take(key, rate) {
      const nowMs = now().getTime();
      let bucket = buckets.get(key);
      if (bucket === undefined) {
        bucket = fullBucket(rate, nowMs);
        buckets.set(key, bucket);
      }
      return takeToken(bucket, rate, nowMs);
    },
  };
}

/**
 * Counts one call. Each rule of a method has a rate of its own; the call has to keep to all of them.
 * @throws ServiceError CALLER_RATE_LIMITED.
 */
export function keepToRates(limiter: RateLimiter, { rates }: Pick<Access, "rates">): void {
  for (const { key, rate } of rates) {
    const waitMs = limiter.take(key, rate);
    if (waitMs <= 0) continue;
    throw new ServiceError("CALLER_RATE_LIMITED", "more calls than the caller file allows", {
      retryAfterMs: Math.ceil(waitMs),
    });
  }
}
