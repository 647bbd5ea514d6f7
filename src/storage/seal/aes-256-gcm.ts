import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";

/** Bytes of a nonce (NIST SP 800-38D section 8.2.2): random, so far fewer than 2^32 seals per key. */
export const nonceBytes = 12;
const tagBytes = 16;
// Node accepts tags cut down to 4 bytes unless the length is named.
const options = { authTagLength: tagBytes };

/** Nonce, ciphertext and a 16-byte tag. `associatedData` is not in it and has to be the same at opening. */
export function sealAes256Gcm(
  key: KeyObject,
  message: string,
  { nonce, associatedData }: { nonce: Buffer; associatedData: string },
): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce, options).setAAD(Buffer.from(associatedData));
  return Buffer.concat([nonce, cipher.update(message, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

/** The message; undefined if the blob is too short, was altered, or was sealed with another key or associated data. */
export function openAes256Gcm(key: KeyObject, blob: Buffer, associatedData: string): string | undefined {
  if (blob.length < nonceBytes + tagBytes) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, blob.subarray(0, nonceBytes), options)
    .setAAD(Buffer.from(associatedData))
    .setAuthTag(blob.subarray(-tagBytes));
  const message = decipher.update(blob.subarray(nonceBytes, -tagBytes));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return message.toString("utf8");
}
