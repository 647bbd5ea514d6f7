import type { NewDelivery } from "../deliveries/delivery-repository.ts";
import type { ConcernChange } from "./concern-repository.ts";
import { describeConcern } from "./concern-words.ts";

/** Beside the platforms' names, so that no delivery of theirs is ever taken for one. */
export const alertName = "health";

/** A change of what needs a person, on its way to who wants to hear of it: each once, however often it is noted. */
export function alertOf({ kind, at, concern, installation }: ConcernChange): NewDelivery {
  const type = `health.concern_${kind}`;
  const { what, remedy } = describeConcern(concern);
  const data = {
    concern_id: concern.id,
    kind: concern.kind,
    platform: installation.platform,
    installation_id: installation.id,
    owner: installation.owner,
    external_org_id: installation.externalOrgId,
    external_org_name: installation.externalOrgName,
    since: concern.since.toISOString(),
    act_before: concern.actBefore?.toISOString(),
    detail: concern.detail,
    message: kind === "began" ? `${what} ${remedy}` : "This has passed.",
  };
  const body = JSON.stringify({ type, timestamp: at.toISOString(), data });
  return {
    platform: alertName,
    deliveryId: `${concern.id} ${kind}`,
    type,
    content: { kind: "message", body },
    task: "alert",
    leased: false,
  };
}
