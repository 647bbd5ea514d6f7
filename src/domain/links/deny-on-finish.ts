import type { World } from "../../world.ts";
import type { FinishInstall } from "../connecting/browser-flow.ts";
import { rowsOf } from "../model/audit-event.ts";
import type { Telemetry } from "../model/telemetry.ts";
import type { LinkCodeRepository } from "./link-code.ts";

/** The same, and who started a link hears that its person refused at the platform. */
export function denyOnFinish(
  finish: FinishInstall,
  {
    linkCodes,
    telemetry,
    world,
  }: {
    readonly linkCodes: LinkCodeRepository;
    readonly telemetry: Pick<Telemetry, "linkMoved">;
    readonly world: World;
  },
): FinishInstall {
  return async (request) => {
    const outcome = await finish(request);
    if (outcome.kind !== "failed" || outcome.failure !== "denied" || outcome.linkCodeId === undefined) return outcome;
    const { address, requestId } = request;
    const now = world.now();
    const denied = await linkCodes.deny(outcome.linkCodeId, now, (link) => {
      if (link === undefined) return [];
      const { caller, policyHash, product: platform, owner } = link;
      const doer = { caller, policyHash, method: "callback", address, requestId };
      return rowsOf(doer, now, [{ kind: "link.denied", platform, owner, detail: "at the platform" }]);
    });
    if (denied === undefined) return outcome;
    world.log.info({ platform: denied.platform, caller: denied.caller }, "link.denied");
    telemetry.linkMoved(denied.platform, "denied");
    return outcome;
  };
}
