import { createHmac, timingSafeEqual } from "node:crypto";
import type { DeliveryRequest, DeliveryVerdict } from "../domain/model/platform-webhooks.ts";
import type { Secret } from "../secret.ts";
import { asRecord, type JsonRecord, stringAt } from "./json.ts";

/** Of every platform but GitHub, which has a larger one of its own. */
export const usualMaxBytes = 1024 * 1024;

export const genuine: DeliveryVerdict = { kind: "genuine" };

export function refusedDelivery(code: string): DeliveryVerdict {
  return { kind: "refused", code };
}

/** A SHA-256 in lowercase hex after `prefix`, as a header has it; undefined if it has anything else. */
export function signatureIn(text: string, prefix: string): Buffer | undefined {
  const hex = text.startsWith(prefix) ? text.slice(prefix.length) : "";
  return /^[\da-f]{64}$/.test(hex) ? Buffer.from(hex, "hex") : undefined;
}

/** Whether `signature` is the HMAC-SHA256 of these bytes under one of the secrets. It takes as long for each of them. */
export function isSignedBy(
  secrets: readonly Secret[],
  signed: readonly (string | Buffer)[],
  signature: Buffer,
): boolean {
  const matches = secrets.map((secret) => {
    const hmac = createHmac("sha256", secret.reveal());
    for (const part of signed) hmac.update(part);
    const expected = hmac.digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  });
  return matches.includes(true);
}

/** The id in a header; undefined if there is none that can be kept. */
export function deliveryIdIn(request: DeliveryRequest, name: string): string | undefined {
  const id = request.header(name);
  return id !== undefined && /^[!-~]{1,200}$/.test(id) ? id : undefined;
}

/** The body as the JSON object that it is; undefined if it is none. */
export function parseDelivery(body: string | Buffer): JsonRecord | undefined {
  try {
    const text = typeof body === "string" ? body : new TextDecoder("utf-8", { fatal: true }).decode(body);
    return asRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The instant at `key`: text as in ISO 8601. */
export function instantAt(value: unknown, key: string): Date | undefined {
  const at = new Date(stringAt(value, key) ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
