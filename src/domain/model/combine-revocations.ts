import type { ProviderRevocation } from "./installation.ts";
import type { RevokeOutcome } from "./platform.ts";

/** One answer for several credentials: a failure is never hidden behind a success. */
export function combineRevocations(outcomes: readonly RevokeOutcome[], shared: boolean): ProviderRevocation {
  if (outcomes.some((outcome) => outcome.kind === "failed")) return "failed";
  if (outcomes.some((outcome) => outcome.kind === "revoked")) return "revoked";
  return shared ? "shared" : "unsupported";
}
