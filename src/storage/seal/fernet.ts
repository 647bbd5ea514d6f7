import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import { decodePaddedBase64Url, encodePaddedBase64Url } from "./base64-url.ts";

/** The two halves of a Fernet key. Key objects, because raw bytes are imported anew by every call, at 10 µs each. */
export interface FernetKey {
  readonly signing: KeyObject;
  readonly encryption: KeyObject;
}

/** How old a token may be, where that matters. */
export interface FernetLife {
  readonly ttlSeconds: number;
  readonly now: Date;
}

const version = 0x80;
const headBytes = 1 + 8 + 16;
const blockBytes = 16;
const macBytes = 32;
const maxClockSkewSeconds = 60;

/** Splits 32 bytes as the Fernet specification does: the signing key first. */
export function fernetKey(material: Buffer): FernetKey {
  return {
    signing: createSecretKey(material.subarray(0, 16)),
    encryption: createSecretKey(material.subarray(16, 32)),
  };
}

/** A Fernet token (github.com/fernet/spec, version 0x80). `iv` is 16 random bytes, never used twice. */
export function sealFernet(key: FernetKey, message: string, { now, iv }: { now: Date; iv: Buffer }): string {
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(version, 0);
  head.writeBigUInt64BE(BigInt(Math.floor(now.getTime() / 1000)), 1);
  iv.copy(head, 9);
  const cipher = createCipheriv("aes-128-cbc", key.encryption, iv);
  const signed = Buffer.concat([head, cipher.update(message, "utf8"), cipher.final()]);
  return encodePaddedBase64Url(Buffer.concat([signed, mac(key, signed)]));
}

/** The message, by the first key that signed it; undefined for anything malformed, altered, or outside its `life`. */
export function openFernet(keys: readonly FernetKey[], text: string, life?: FernetLife): Buffer | undefined {
  const token = decodePaddedBase64Url(text);
  if (token === undefined || !isWellFormed(token) || (life !== undefined && !isInLife(token, life))) return undefined;
  const signed = token.subarray(0, -macBytes);
  const expected = token.subarray(-macBytes);
  const key = keys.find((candidate) => timingSafeEqual(mac(candidate, signed), expected));
  return key === undefined ? undefined : decrypt(key, signed);
}

function isWellFormed(token: Buffer): boolean {
  const ciphertextBytes = token.length - headBytes - macBytes;
  return ciphertextBytes >= blockBytes && ciphertextBytes % blockBytes === 0 && token[0] === version;
}

function isInLife(token: Buffer, { ttlSeconds, now }: FernetLife): boolean {
  const sealedAt = Number(token.readBigUInt64BE(1));
  const nowSeconds = now.getTime() / 1000;
  return sealedAt + ttlSeconds >= nowSeconds && sealedAt <= nowSeconds + maxClockSkewSeconds;
}

function mac(key: FernetKey, signed: Buffer): Buffer {
  return createHmac("sha256", key.signing).update(signed).digest();
}

function decrypt(key: FernetKey, signed: Buffer): Buffer | undefined {
  const decipher = createDecipheriv("aes-128-cbc", key.encryption, signed.subarray(9, headBytes));
  try {
    return Buffer.concat([decipher.update(signed.subarray(headBytes)), decipher.final()]);
  } catch {
    // Signed with our key and badly padded: some other program's token, not an attack that gets this far.
    return undefined;
  }
}
