import type { FlowFailure } from "../../../domain/connecting/tell-flow.ts";
import type { FlowStanding, FlowStatus } from "../../../domain/flows/flow-standing.ts";
import { wordsFor } from "../answers.ts";
import type { PlatformLabel } from "../result-pages.ts";

/** How a flow stands, as the page that watches it is told. There is never a completion code in it. */
export interface FlowJson {
  readonly status: FlowStatus;
  /** A completion code goes from the popup's page to the page that opened it. */
  readonly completion?: true;
  /** Why it failed. */
  readonly reason?: FlowFailure;
  /** What happened, and what the person can do. */
  readonly message?: string;
}

const abandoned = "The window was closed before the connection was finished. Nothing was connected; connect again.";

export function flowJson(
  { status, platform, reason, completion }: FlowStanding,
  platformLabel: PlatformLabel,
): FlowJson {
  const failure = status === "expired" ? "state_expired" : reason;
  const { title, whatThePersonCanDo } = failure === undefined ? {} : wordsFor(failure, platformLabel(platform));
  const message = status === "abandoned" ? abandoned : title && `${title}. ${whatThePersonCanDo}`;
  return {
    status,
    ...(completion && { completion }),
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
  };
}

/** Whether nothing comes after it. */
export function isEnd(status: FlowStatus): boolean {
  return status !== "opened" && status !== "at_platform" && status !== "finishing";
}
