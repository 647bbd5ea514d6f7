import type { FlowFailure } from "../connecting/tell-flow.ts";
import type { Flow } from "./flow.ts";

/** How a flow stands, for the page that watches it. All but the first three are its end. */
export type FlowStatus =
  | "opened"
  | "at_platform"
  | "finishing"
  | "connected"
  | "denied"
  | "failed"
  | "expired"
  | "abandoned";

export interface FlowStanding {
  readonly status: FlowStatus;
  readonly platform: string;
  readonly reason: FlowFailure | undefined;
  readonly completion: boolean;
}

/** So long a flow whose popup seems closed may take to move: it was closed, or only isolated from its opener. */
export const abandonedMs = 10_000;

/** Undefined: it has begun, and nobody may know yet. */
export function standingOf(flow: Flow, now: Date): FlowStanding | undefined {
  const { platform, reason, completion, state, closedAt, movedAt, expiresAt } = flow;
  const as = (status: FlowStatus): FlowStanding => ({ status, platform, reason, completion });
  switch (state) {
    case "opening":
      return undefined;
    case "connected":
    case "denied":
    case "failed":
      return as(state);
    case "opened":
    case "at_platform":
    case "finishing": {
      if (expiresAt <= now) return as("expired");
      // What we do goes on without the popup.
      if (state === "finishing" || closedAt === undefined || closedAt < movedAt) return as(state);
      return as(now.getTime() - closedAt.getTime() < abandonedMs ? state : "abandoned");
    }
  }
}
