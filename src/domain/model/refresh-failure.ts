import type { Credential } from "./credential.ts";

/**
 * Why no new token could be had. `dead`: the platform refused the grant for good, or it alone for so long that a person
 * has to look. `gone`: revoked by us meanwhile. `refused`: the platform gives this installation none, until somebody there
 * allows it. `doubted`: refused as dead, while the platform says so of nearly everybody. The rest is trouble of the
 * platform or of our registration and passes by itself.
 */
export type RefreshFailure =
  | "unavailable"
  | "rate_limited"
  | "misconfigured"
  | "suspended"
  | "refused"
  | "doubted"
  | "dead"
  | "gone";

export type RefreshOutcome =
  /** What is stored now: newer than what was seen, or confirmed by the platform. */
  | { readonly kind: "current"; readonly credential: Credential }
  | {
      readonly kind: "failed";
      readonly failure: RefreshFailure;
      readonly retryAfterMs: number;
      /** Of a `refused` one: why, in a fixed word of ours. */
      readonly code?: string | undefined;
    };

/** How `lastError` names what has more to say than its kind: `refused:ip_allow_list`. */
export type NamedFailure = "refused" | "doubted" | "refused_alone";

/** What is stored as `lastError`, and shown. */
export function namedError(kind: NamedFailure, code: string): string {
  return `${kind}:${code}`;
}

/** What a recorded `lastError` means while its back-off lasts. Anything else is the platform's own code of a dead grant. */
export function failureOf(lastError: string | undefined): { readonly failure: RefreshFailure; readonly code?: string } {
  const [kind = "", code = ""] = lastError?.split(":", 2) ?? [];
  switch (kind) {
    case "rate_limited":
    case "misconfigured":
    case "suspended":
    case "doubted":
      return { failure: kind };
    case "refused":
      return { failure: kind, code };
    case "refused_alone":
      return { failure: "dead" };
    default:
      return { failure: "unavailable" };
  }
}
