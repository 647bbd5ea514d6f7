import type { Credential } from "./credential.ts";

/**
 * Why no new token could be had. `dead`: the platform refused the grant for good. `gone`: revoked by us meanwhile.
 * The rest is trouble of the platform or of our registration and passes by itself.
 */
export type RefreshFailure = "unavailable" | "rate_limited" | "misconfigured" | "suspended" | "dead" | "gone";

export type RefreshOutcome =
  /** What is stored now: newer than what was seen, or confirmed by the platform. */
  | { readonly kind: "current"; readonly credential: Credential }
  | { readonly kind: "failed"; readonly failure: RefreshFailure; readonly retryAfterMs: number };

/** What a recorded `lastError` means while its back-off lasts. Anything else is the platform's own code of a dead grant. */
export function failureOf(lastError: string | undefined): RefreshFailure {
  switch (lastError) {
    case "rate_limited":
    case "misconfigured":
    case "suspended":
      return lastError;
    default:
      return "unavailable";
  }
}
