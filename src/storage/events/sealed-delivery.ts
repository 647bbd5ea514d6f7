import type { PlatformEvent } from "../../domain/model/platform-event.ts";
import { Secret } from "../../secret.ts";
import { webhookDeliveries } from "../schema.ts";
import type { SealedText, Sealer } from "../seal/sealer.ts";

/** Seals what a platform told for the row that keeps it. */
export function sealDelivery(sealer: Sealer, id: string, event: PlatformEvent): SealedText {
  return sealer.seal(placeOf(id), new Secret(JSON.stringify(event)));
}

/** @throws ServiceError TOKEN_UNREADABLE. */
export function openDelivery(sealer: Sealer, id: string, text: string): PlatformEvent {
  const { happenedAt, action, news, ...event }: Written = JSON.parse(sealer.open(placeOf(id), text).reveal());
  return { ...event, action, news, happenedAt: happenedAt === undefined ? undefined : new Date(happenedAt) };
}

/** As JSON: instants as text, and without what is undefined. */
type Written = Omit<PlatformEvent, "happenedAt"> & { readonly happenedAt: string | undefined };

function placeOf(row: string) {
  return { table: "webhook_deliveries", row, column: webhookDeliveries.content.name };
}
