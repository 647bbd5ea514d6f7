import { ServiceError } from "../../errors.ts";
import { Secret } from "../../secret.ts";
import { nonceBytes, openAes256Gcm, sealAes256Gcm } from "./aes-256-gcm.ts";
import { decodeBase64Url } from "./base64-url.ts";
import { putInEnvelope, takeFromEnvelope } from "./envelope.ts";
import { openFernet, sealFernet } from "./fernet.ts";
import type { KeyRing } from "./key-ring.ts";
import type { Place } from "./place.ts";
import { createSigner, type Signer } from "./signer.ts";

/** What new values are sealed with. Both are always readable. */
export type TokenCipher = "fernet" | "aes-256-gcm";

/** A sealed value as it is stored: text, and the id of the key that opens it. */
export interface SealedText {
  readonly text: string;
  readonly keyId: string;
}

export interface SealerOptions {
  readonly keys: KeyRing;
  readonly cipher: TokenCipher;
  readonly now: () => Date;
  readonly random: (bytes: number) => Buffer;
}

/** Seals secrets for the one place they are stored at. */
export interface Sealer {
  /** Ids of all configured keys; the first is the one that seals. */
  readonly keyIds: readonly string[];
  /** What new values are sealed with. */
  readonly cipher: TokenCipher;
  /** Signs the record with the same keys. */
  readonly recordSigner: Signer;
  /** Names codes of links that are too short for a plain hash. */
  readonly linkSigner: Signer;
  seal(place: Place, value: Secret): SealedText;
  /** @throws ServiceError TOKEN_UNREADABLE if no key opens the text, or if it was sealed for another place. */
  open(place: Place, text: string): Secret;
  /** Whether the text was sealed with the key and the cipher that `seal` uses; not whether it is at its place. */
  isCurrent(text: string): boolean;
}

/** What every text sealed with AES-256-GCM begins with: `v2.{key id}.{nonce, ciphertext, tag}`. No Fernet token does. */
export const gcmPrefix = "v2.";

export function createSealer({ keys, cipher, now, random }: SealerOptions): Sealer {
  const fernetKeys = keys.map((key) => key.fernet);
  const gcmKeys = new Map(keys.map((key) => [key.id, key.derive("aes-256-gcm")]));
  const [{ id: keyId, fernet, derive }] = keys;
  const gcm = derive("aes-256-gcm");

  const seals: Record<TokenCipher, (place: Place, value: Secret) => string> = {
    fernet: (place, value) => sealFernet(fernet, putInEnvelope(place, value), { now: now(), iv: random(16) }),
    "aes-256-gcm": (place, value) => {
      const nonce = random(nonceBytes);
      const blob = sealAes256Gcm(gcm, value.reveal(), { nonce, associatedData: associatedData(keyId, place) });
      return `${gcmPrefix}${keyId}.${blob.toString("base64url")}`;
    },
  };
  const isCurrent: Record<TokenCipher, (text: string) => boolean> = {
    fernet: (text) => openFernet([fernet], text) !== undefined,
    "aes-256-gcm": (text) => text.startsWith(`${gcmPrefix}${keyId}.`),
  };

  function openedByGcm(place: Place, text: string): Secret {
    const idEnd = text.indexOf(".", gcmPrefix.length);
    const id = text.slice(gcmPrefix.length, idEnd);
    const key = gcmKeys.get(id);
    if (key === undefined) throw noKey();
    const blob = decodeBase64Url(text.slice(idEnd + 1));
    if (blob === undefined) throw misplaced();
    const message = openAes256Gcm(key, blob, associatedData(id, place));
    if (message === undefined) throw misplaced();
    return new Secret(message);
  }

  function openedByFernet(place: Place, text: string): Secret {
    const message = openFernet(fernetKeys, text);
    if (message === undefined) throw noKey();
    const value = takeFromEnvelope(place, message.toString("utf8"));
    if (value === undefined) throw misplaced();
    return value;
  }

  return {
    keyIds: keys.map((key) => key.id),
    cipher,
    recordSigner: createSigner(keys, "audit"),
    linkSigner: createSigner(keys, "link code"),
    seal: (place, value) => ({ text: seals[cipher](place, value), keyId }),
    open: (place, text) => (text.startsWith(gcmPrefix) ? openedByGcm : openedByFernet)(place, text),
    isCurrent: isCurrent[cipher],
  };
}

/** The whole header and the place, in a form in which no two places look alike. */
function associatedData(keyId: string, { table, row, column }: Place): string {
  return JSON.stringify([gcmPrefix, keyId, table, row, column]);
}

function noKey(): ServiceError {
  return new ServiceError(
    "TOKEN_UNREADABLE",
    "none of the configured encryption keys opens the stored secret; add the key it was sealed with to TOKEN_ENCRYPTION_KEY",
  );
}

function misplaced(): ServiceError {
  return new ServiceError(
    "TOKEN_UNREADABLE",
    "the stored secret was altered, or was sealed for another row or column; restore the row, or connect again",
  );
}
