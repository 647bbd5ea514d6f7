import { ServiceError } from "../../errors.ts";
import type { RefreshOutcome } from "../model/refresh-failure.ts";
import type { RefreshResult, Telemetry } from "../model/telemetry.ts";

/** Runs one refresh and tells how it ended, how long it took and how long it waited for another replica's. */
export async function measuredRefresh(
  telemetry: Telemetry,
  platform: string,
  refresh: (waiting: (ms: number) => void) => Promise<RefreshOutcome>,
): Promise<RefreshOutcome> {
  const startedMs = performance.now();
  let waitedMs = 0;
  const waiting = (ms: number) => {
    waitedMs += ms;
  };
  const finished = (result: RefreshResult) => {
    telemetry.refreshFinished({ platform, result, seconds: (performance.now() - startedMs) / 1000 });
    if (waitedMs > 0) telemetry.leaseWaited(platform, waitedMs / 1000);
  };
  try {
    const outcome = await telemetry.step("refresh", { platform }, () => refresh(waiting), resultOf);
    finished(resultOf(outcome));
    return outcome;
  } catch (error) {
    finished(failureOf(error));
    throw error;
  }
}

function resultOf(outcome: RefreshOutcome): RefreshResult {
  return outcome.kind === "current" ? "current" : outcome.failure;
}

function failureOf(error: unknown): RefreshResult {
  if (!(error instanceof ServiceError)) return "error";
  if (error.reason === "TOKEN_UNREADABLE") return "unreadable";
  return error.reason === "SERVICE_UNAVAILABLE" ? "database" : "error";
}
