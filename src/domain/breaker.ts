import type { MintOutcome, Misconfigured, Platform, Unavailable } from "./platform.ts";

/** So many answers in a row that are the platform's or our registration's trouble, and the platform is left alone. */
const threshold = 5;
/** How often one call tries again: with the longest back-off of a credential below 10 s. */
const probeMs = 3_000;

/**
 * The same platform, asked for tokens by one call every few seconds while it is in trouble, however many credentials
 * wait: an outage or our own wrong secret is noticed once, and ends for all with the first success.
 */
export function withBreaker(platform: Platform): Platform {
  let failures = 0;
  let closedUntil = Number.NEGATIVE_INFINITY;
  let trouble: Misconfigured | Unavailable | undefined;

  function note(outcome: MintOutcome): void {
    if (outcome.kind === "misconfigured" || outcome.kind === "unavailable") {
      failures++;
      trouble = outcome;
      if (failures >= threshold) closedUntil = performance.now() + probeMs;
    } else {
      failures = 0;
      closedUntil = Number.NEGATIVE_INFINITY;
    }
  }

  return {
    ...platform,
    async mint(credential, narrowing) {
      const waitMs = closedUntil - performance.now();
      if (waitMs > 0 && trouble !== undefined) return leftAlone(trouble, waitMs);
      // Whoever comes while this call is under way is told to wait.
      if (failures >= threshold) closedUntil = performance.now() + probeMs;
      const outcome = await platform.mint(credential, narrowing);
      note(outcome);
      return outcome;
    },
  };
}

function leftAlone(trouble: Misconfigured | Unavailable, waitMs: number): MintOutcome {
  if (trouble.kind === "misconfigured") return trouble;
  return { kind: "unavailable", retryAfterMs: waitMs, mayHaveBeenProcessed: false, cause: "left_alone" };
}
