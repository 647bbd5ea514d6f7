import type { DeliveryRequest } from "../../../src/domain/model/platform-webhooks.ts";

/** What the route makes of a request that has these headers and this body. */
export function deliveryRequest(
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string | Buffer },
  receivedAt: Date = new Date(),
): DeliveryRequest {
  return { header: (name) => headers[name], body: Buffer.from(body), receivedAt };
}

/** The same bytes but for one bit. */
export function flipped(body: string | Buffer, bit: number): Buffer {
  const bytes = Buffer.from(body);
  bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return bytes;
}
