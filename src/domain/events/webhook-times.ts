import type { RegistrationFailed } from "../model/webhook-registrar.ts";

/** Longer than all the calls of a registration may take: its end means that its holder is gone. */
export const registrationLeaseMs = 180_000;
/** How often a platform is asked whether what is registered is still there. */
const checkMs = 6 * 3_600_000;
/** After a failure, doubling up to an hour. */
const retryMs = { first: 60_000, most: 3_600_000 };

/** How long until it is looked at again. `failures` in a row came before. */
export function nextLookMs(outcome: { readonly kind: "registered" } | RegistrationFailed, failures: number): number {
  if (outcome.kind === "registered") return checkMs;
  const backoff = Math.min(retryMs.first * 2 ** Math.min(failures, 10), retryMs.most);
  return Math.max(backoff, outcome.retryAfterMs ?? 0);
}
