import type { World } from "../../world.ts";
import type { FlowRepository } from "./flow.ts";
import { stateSeconds } from "./flow-progress.ts";

/**
 * Begins what a popup was opened for. False: another has begun under this name.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export type BeginFlow = (
  hash: string,
  begun: { readonly platform: string; readonly linkHash: string | undefined },
) => Promise<boolean>;

export function createBeginFlow(flows: Pick<FlowRepository, "begin">, { now }: Pick<World, "now">): BeginFlow {
  return (hash, begun) => {
    const at = now();
    return flows.begin(hash, { ...begun, now: at, expiresAt: new Date(at.getTime() + stateSeconds.opening * 1000) });
  };
}
