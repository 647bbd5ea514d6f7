import type { FinishInstall, FinishOutcome } from "../domain/connecting/browser-flow.ts";
import type { Telemetry } from "../domain/model/telemetry.ts";

/** The same use case, with every flow that ends counted. */
export function measuredInstall(finishInstall: FinishInstall, telemetry: Telemetry): FinishInstall {
  return async (request) => {
    const outcome = await telemetry.step("install", {}, () => finishInstall(request), resultOf);
    if (outcome.kind === "failed") {
      const platform = outcome.failure === "platform_unknown" ? "unknown" : outcome.platform;
      telemetry.installFinished(platform, outcome.failure);
    }
    if (outcome.kind === "connected" || outcome.kind === "pending") {
      telemetry.installFinished(outcome.installations[0]?.platform ?? "unknown", outcome.kind);
    }
    return outcome;
  };
}

function resultOf(outcome: FinishOutcome): string {
  return outcome.kind === "failed" ? outcome.failure : outcome.kind;
}
