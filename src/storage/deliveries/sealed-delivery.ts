import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { DeliveryContent } from "../../domain/deliveries/delivery-repository.ts";
import type { PlatformEvent } from "../../domain/model/platform-event.ts";
import { Secret } from "../../secret.ts";
import { webhookDeliveries } from "../schema.ts";
import type { SealedText, Sealer } from "../seal/sealer.ts";

/** What is longer is made shorter before it is sealed: payloads are JSON, of which a fifth is left. */
const shortLength = 1_024;
const packed = "deflate:";

/** Seals what a platform told, or we tell, for the row that keeps it. */
export function sealDelivery(sealer: Sealer, id: string, content: DeliveryContent): SealedText {
  const text = JSON.stringify(content);
  const value = text.length < shortLength ? text : packed + deflateRawSync(text, { level: 1 }).toString("base64");
  return sealer.seal(placeOf(id), new Secret(value));
}

/** @throws ServiceError TOKEN_UNREADABLE. */
export function openDelivery(sealer: Sealer, id: string, text: string): DeliveryContent {
  const value = sealer.open(placeOf(id), text).reveal();
  const written: Written = JSON.parse(
    value.startsWith(packed)
      ? inflateRawSync(Buffer.from(value.slice(packed.length), "base64")).toString("utf8")
      : value,
  );
  if (written.kind === "message") return written;
  const { happenedAt, action, news, ...event } = written.event;
  const at = happenedAt === undefined ? undefined : new Date(happenedAt);
  return { kind: "event", event: { ...event, action, news, happenedAt: at }, payload: written.payload };
}

/** As JSON: instants as text, and without what is undefined. */
type Written =
  | Extract<DeliveryContent, { kind: "message" }>
  | { readonly kind: "event"; readonly event: WrittenEvent; readonly payload: string | undefined };
type WrittenEvent = Omit<PlatformEvent, "happenedAt"> & { readonly happenedAt: string | undefined };

function placeOf(row: string) {
  return { table: "webhook_deliveries", row, column: webhookDeliveries.content.name };
}
