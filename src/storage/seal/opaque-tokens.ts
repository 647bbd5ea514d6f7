import { nonceBytes, openAes256Gcm, sealAes256Gcm } from "./aes-256-gcm.ts";
import { decodeBase64Url } from "./base64-url.ts";
import type { KeyRing } from "./key-ring.ts";

/** Text that callers carry for us (page tokens): they can neither read nor make nor alter it. */
export interface OpaqueTokens {
  /** URL-safe text. */
  seal(plain: string): string;
  /** Undefined for anything this ring did not seal for this purpose. */
  open(text: string): string | undefined;
}

export interface OpaqueTokensOptions {
  readonly keys: KeyRing;
  readonly random: (bytes: number) => Buffer;
  /** Text sealed for one purpose does not open for another. */
  readonly purpose: string;
}

export function createOpaqueTokens({ keys, random, purpose }: OpaqueTokensOptions): OpaqueTokens {
  const info = `opaque token ${purpose}`;
  const derived = keys.map((key) => key.derive(info));
  const first = keys[0].derive(info);

  return {
    seal: (plain) =>
      sealAes256Gcm(first, plain, { nonce: random(nonceBytes), associatedData: "" }).toString("base64url"),
    open(text) {
      const blob = decodeBase64Url(text);
      if (blob === undefined) return undefined;
      for (const key of derived) {
        const plain = openAes256Gcm(key, blob, "");
        if (plain !== undefined) return plain;
      }
      return undefined;
    },
  };
}
