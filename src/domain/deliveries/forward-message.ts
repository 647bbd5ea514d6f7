import type { PlatformEvent } from "../model/platform-event.ts";
import type { InstallationChange } from "../watching/installation-changes.ts";
import type { EventOwner, TakenDelivery } from "./delivery-repository.ts";

/** `github.issues.opened`: the platform, its own name of the event, and the action where it has one. */
export function typeOfEvent(platform: string, { event, action }: PlatformEvent): string {
  return [platform, event, ...(action === undefined ? [] : [action])].join(".");
}

/** What is sent on of an event. The payload is text for text what came: numbers and order stay as they were. */
export function eventMessage(
  { platform, type, receivedAt }: Pick<TakenDelivery, "platform" | "type" | "receivedAt">,
  event: PlatformEvent,
  payload: string,
  owner: EventOwner | undefined,
): string {
  const { about, happenedAt = receivedAt } = event;
  const data = JSON.stringify({
    platform,
    installation_id: owner?.id,
    owner: owner?.owner,
    external_org_id: owner?.externalOrgId ?? about.externalOrgId,
    external_install_id: owner?.externalInstallId ?? about.externalInstallId,
    delivery_id: event.deliveryId,
    event: event.event,
  });
  const head = JSON.stringify({ type, timestamp: happenedAt.toISOString() });
  return `${head.slice(0, -1)},"data":${data.slice(0, -1)},"payload":${payload}}}`;
}

/** `installation.created` and the like. */
export function typeOfChange({ kind, installation }: InstallationChange): string {
  const again = kind === "updated" && installation.status === "reauthorization_required";
  return `installation.${again ? "reauthorization_required" : kind}`;
}

/** What is sent of a change of ours. */
export function changeMessage(change: InstallationChange): string {
  const { at, installation } = change;
  return JSON.stringify({
    type: typeOfChange(change),
    timestamp: at.toISOString(),
    data: {
      platform: installation.platform,
      installation_id: installation.id,
      owner: installation.owner,
      external_org_id: installation.externalOrgId,
      status: installation.status,
    },
  });
}
