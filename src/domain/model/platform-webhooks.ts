import type { PlatformEvent } from "./platform-event.ts";

/** What came to `POST /webhooks/{platform}`, not believed yet. */
export interface DeliveryRequest {
  /** Undefined if absent; several of one name are refused before. */
  header(name: string): string | undefined;
  /** The bytes as they came: signatures are over these and nothing else. */
  readonly body: Buffer;
  readonly receivedAt: Date;
}

/** `code` is a fixed word of ours, for the log: `no_signature`, `bad_signature`, `stale`. */
export type DeliveryVerdict = { readonly kind: "genuine" } | { readonly kind: "refused"; readonly code: string };

export type ReadDelivery =
  /** `payload`: the JSON that came, where the body is not just that. */
  | { readonly kind: "event"; readonly event: PlatformEvent; readonly payload?: string | undefined }
  /** The platform proves that the address is ours: it wants this back, as `text/plain`, and nothing is kept. */
  | { readonly kind: "challenge"; readonly answer: string }
  /** Genuine, and nothing that can be read or that anybody waits for; `code` as above. */
  | { readonly kind: "ignored"; readonly code: string };

/** How a platform's deliveries are told from others' (contract section 8). Pure, and knows no storage. */
export interface PlatformWebhooks {
  /** Largest body in bytes. */
  readonly maxBytes: number;
  /** Compares in constant time, before anything is parsed; every secret in force is accepted. */
  verify(request: DeliveryRequest): DeliveryVerdict;
  /** Only for what was verified. Never throws, whatever the body holds. */
  read(request: DeliveryRequest): ReadDelivery;
}
