import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { Secret } from "../secret.ts";

/** A new key of a caller: shown once, known afterwards by its hash alone. */
export interface NewApiKey {
  /** Tells keys apart where they are found; proves nothing. */
  readonly id: string;
  readonly key: Secret;
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const idLength = 8;
const secretBytes = 32;
/** 62^43 is the first power of 62 above 2^256. */
const secretLength = 43;
const checkLength = 6;
const shape = new RegExp(`^(ots_[0-9A-Za-z]{${idLength}}_[0-9A-Za-z]{${secretLength}})_([0-9A-Za-z]{${checkLength}})$`);

/**
 * `ots_{id}_{secret}_{checksum}`. The parts are base 62, whose digits are no separator, so that a double click marks
 * the whole key and no part has to be escaped anywhere. The checksum is a CRC-32, which finds every slip of a finger.
 */
export function createApiKey(random: (bytes: number) => Buffer): NewApiKey {
  const id = inBase62(BigInt(`0x${random(6).toString("hex")}`), idLength).slice(-idLength);
  const secret = inBase62(BigInt(`0x${random(secretBytes).toString("hex")}`), secretLength);
  const body = `ots_${id}_${secret}`;
  return { id, key: new Secret(`${body}_${checksum(body)}`) };
}

/** Whether this looks like a key and is no mistyped one. Says nothing about whose it is. */
export function isApiKey(text: string): boolean {
  const [, body, check] = shape.exec(text) ?? [];
  return body !== undefined && checksum(body) === check;
}

/** What stands in the caller file: SHA-256 of the whole key. Its secret is too random for anything slower to help. */
export function hashOfApiKey(key: string): Buffer {
  return hash("sha256", key, "buffer");
}

function checksum(body: string): string {
  return inBase62(BigInt(crc32(body)), checkLength);
}

function inBase62(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; rest > 0n; rest /= 62n) text = `${digits[Number(rest % 62n)]}${text}`;
  return text.padStart(length, "0");
}
