import { ServiceError } from "../../errors.ts";
import type { World } from "../../world.ts";
import { attemptSeconds } from "../connecting/start-install.ts";
import type { FlowNews, TellFlow } from "../connecting/tell-flow.ts";
import type { FlowMove, FlowRepository, FlowState } from "./flow.ts";

/** How long a flow stays as it is before it has ended: a person reads and decides, we exchange and store. */
export const stateSeconds: Readonly<Record<FlowState, number>> = {
  opening: 60,
  opened: attemptSeconds,
  at_platform: attemptSeconds,
  finishing: 60,
  connected: 0,
  denied: 0,
  failed: 0,
};

/** Keeps what becomes of flows, for whoever watches them on any replica. */
export function createFlowProgress(
  flows: Pick<FlowRepository, "move">,
  { now, log }: Pick<World, "now" | "log">,
): TellFlow {
  return async (flow, news) => {
    if (flow === undefined) return;
    const move = moveOf(news);
    const at = now();
    const expiresAt = new Date(at.getTime() + stateSeconds[move.state] * 1000);
    try {
      await flows.move(flow, { ...move, expiresAt }, at);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.reason !== "SERVICE_UNAVAILABLE") throw error;
      log.warn({ state: move.state }, "flow.not_told");
    }
  };
}

function moveOf(news: FlowNews): Omit<FlowMove, "expiresAt"> {
  switch (news.state) {
    case "opened":
    case "at_platform":
      return { state: news.state, returnOrigin: originOf(news.returnTo) };
    case "finishing":
      return news;
    case "connected":
      return news;
    case "failed":
      return { ...news, state: news.reason === "denied" ? "denied" : "failed" };
    case "refused":
      return { state: "failed", reason: news.reason, returnOrigin: originOf(news.returnTo), atStart: true };
  }
}

function originOf(returnTo: string | undefined): string | undefined {
  return returnTo === undefined ? undefined : new URL(returnTo).origin;
}
