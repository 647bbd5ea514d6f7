import type { FinishInstall } from "../connecting/browser-flow.ts";
import type { CompleteInstall } from "../connecting/complete-install.ts";
import type { Webhooks } from "./webhooks.ts";

/** The same, and what was connected in the callback has its webhook registered, or the reason why it has none. */
export function registerOnFinish(finish: FinishInstall, webhooks: Webhooks): FinishInstall {
  return async (request) => {
    const outcome = await finish(request);
    if (outcome.kind !== "connected") return outcome;
    return { ...outcome, installations: await webhooks.connected(outcome.installations) };
  };
}

/** The same for what its owner completes: only then is it theirs to hear of. */
export function registerOnComplete(complete: CompleteInstall, webhooks: Webhooks): CompleteInstall {
  return async (...request) => webhooks.connected(await complete(...request));
}
