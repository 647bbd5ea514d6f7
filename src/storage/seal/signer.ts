import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import type { KeyRing } from "./key-ring.ts";

/** What proves that a text was written by somebody with a key of the ring. */
export interface Signature {
  readonly keyId: string;
  /** HMAC-SHA256 in hex. */
  readonly mac: string;
}

/** `unknown_key`: the ring lacks the key that is named, so nothing can be said. */
export type SignatureCheck = "valid" | "forged" | "unknown_key";

/** Signs for one purpose; signatures for another purpose are forged ones. */
export interface Signer {
  /** With the ring's first key. */
  sign(text: string): Signature;
  check(text: string, signature: Signature): SignatureCheck;
  /** What `sign` gives and gave, with each key of the ring, the first one first. */
  macs(text: string): readonly string[];
  /** Whether `sign` would use this key. */
  isCurrent(keyId: string): boolean;
}

export function createSigner(keys: KeyRing, purpose: string): Signer {
  const info = `signature ${purpose}`;
  const [{ id: keyId, derive }] = keys;
  const first = derive(info);
  const byId = new Map(keys.map((key) => [key.id, key.derive(info)]));
  const macOf = (key: KeyObject, text: string) => createHmac("sha256", key).update(text).digest("hex");
  return {
    sign: (text) => ({ keyId, mac: macOf(first, text) }),
    macs: (text) => [...byId.values()].map((key) => macOf(key, text)),
    check(text, signature) {
      const key = byId.get(signature.keyId);
      if (key === undefined) return "unknown_key";
      // As text: a decoder may overlook what does not belong there.
      const expected = Buffer.from(macOf(key, text));
      const given = Buffer.from(signature.mac);
      return given.length === expected.length && timingSafeEqual(given, expected) ? "valid" : "forged";
    },
    isCurrent: (id) => id === keyId,
  };
}
