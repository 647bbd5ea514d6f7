import { createHmac } from "node:crypto";
import type { Secret } from "../../secret.ts";

/** What names a message and proves who sends it. */
export type WebhookHeaders = Readonly<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>>;

const prefix = "whsec_";

/**
 * Signs as Standard Webhooks says: once under each secret, so that a receiver may know either while one is rotated. The
 * time is of the attempt, the id the message's own.
 */
export function signMessage(secrets: readonly Secret[], id: string, at: Date, body: string): WebhookHeaders {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const hmac = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.`).update(body);
    return `v1,${hmac.digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

function keyOf(secret: Secret): Buffer {
  const text = secret.reveal();
  return text.startsWith(prefix) ? Buffer.from(text.slice(prefix.length), "base64") : Buffer.from(text);
}
