import type { SharedLook } from "../../work/shared-look.ts";
import type { World } from "../../world.ts";
import type { ReturnOrigins } from "../connecting/return-to.ts";
import type { Flow, FlowRepository } from "./flow.ts";
import { type FlowStanding, standingOf } from "./flow-standing.ts";

/** What one may know of a flow who knows its name. `unknown`: nobody has begun it. */
export type FlowLook = FlowStanding | "unknown" | "other_origin";

/** For the page of one origin: the flow, by its hash. */
export interface FlowWatch {
  /**
   * How it stands, once it has begun; `unknown` if it has not for so long, 0 for who does not wait.
   * @throws ServiceError SERVICE_UNAVAILABLE; the reason of `signal`.
   */
  look(hash: string, origin: string, patienceMs: number, signal: AbortSignal): Promise<FlowLook>;
  /**
   * How it stands next, if it stands otherwise than `seen`; `seen` again after so long.
   * @throws as `look`.
   */
  next(hash: string, seen: FlowStanding, silenceMs: number, signal: AbortSignal): Promise<FlowStanding>;
  /** Its popup seems closed. */
  close(hash: string, origin: string): Promise<"closed" | "unknown" | "other_origin">;
}

export function createFlowWatch(parts: {
  readonly flows: Pick<FlowRepository, "find" | "close">;
  readonly tail: SharedLook<Flow>;
  /** Who may look where a flow leads nowhere. */
  readonly origins: ReturnOrigins;
  readonly world: Pick<World, "now">;
}): FlowWatch {
  const { flows, tail, origins, world } = parts;

  const mayLook = ({ returnOrigin }: Flow, origin: string) =>
    returnOrigin === undefined ? origins.has(origin) : returnOrigin === origin;
  const standing = (flow: Flow | undefined) => (flow === undefined ? undefined : standingOf(flow, world.now()));
  const find = async (hash: string) => (await flows.find([hash])).get(hash);

  return {
    async look(hash, origin, patienceMs, signal) {
      let flow = await find(hash);
      if (standing(flow) === undefined && patienceMs > 0) {
        flow = await tail.wait(hash, (now) => standing(now) !== undefined, patienceMs, signal);
      }
      const stands = standing(flow);
      if (flow === undefined || stands === undefined) return "unknown";
      return mayLook(flow, origin) ? stands : "other_origin";
    },
    async next(hash, seen, silenceMs, signal) {
      const differs = (flow: Flow | undefined) => flow !== undefined && standing(flow)?.status !== seen.status;
      return standing(await tail.wait(hash, differs, silenceMs, signal)) ?? seen;
    },
    async close(hash, origin) {
      const flow = await find(hash);
      if (flow === undefined || standing(flow) === undefined) return "unknown";
      if (!mayLook(flow, origin)) return "other_origin";
      await flows.close(hash, world.now());
      return "closed";
    },
  };
}
