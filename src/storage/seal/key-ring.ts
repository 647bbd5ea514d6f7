import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { Secret } from "../../secret.ts";
import { encodePaddedBase64Url } from "./base64-url.ts";
import { type FernetKey, fernetKey } from "./fernet.ts";

/** Every configured key; the first one seals, all of them open. */
export type KeyRing = readonly [RingKey, ...RingKey[]];

export interface RingKey {
  /** Names the key in rows, logs and messages: 16 hex digits that reveal nothing about it. */
  readonly id: string;
  readonly fernet: FernetKey;
  /** A 256-bit key for one purpose by HKDF-SHA256 (RFC 5869); other purposes give unrelated keys. */
  derive(purpose: string): KeyObject;
}

const keyBytes = 32;
// Python's cryptography also takes keys whose two spare bits are set, so these are not checked.
const keyPattern = /^[A-Za-z0-9_-]{43}=?$/;

/**
 * Reads one or more Fernet keys, comma separated: 32 bytes each in URL-safe base64, padded or not.
 * @throws Error that names every bad key by its place ("the 2nd key"), never by its material.
 */
export function parseKeyRing(value: Secret): KeyRing {
  const texts = value.reveal().split(",");
  const problems = texts.flatMap((text, index) => problemOf(text.trim(), index));
  if (problems.length > 0) throw new Error(problems.join("; "));
  const [first = "", ...others] = texts;
  return [ringKey(first), ...others.map(ringKey)];
}

/** A new Fernet key, in the spelling of every other Fernet implementation. */
export function generateKey(random: (bytes: number) => Buffer): Secret {
  return new Secret(encodePaddedBase64Url(random(keyBytes)));
}

function problemOf(text: string, index: number): readonly string[] {
  if (keyPattern.test(text)) return [];
  const problem = text === "" ? "empty" : "not a Fernet key (32 bytes in URL-safe base64, 43 or 44 characters)";
  return [`the ${ordinal(index + 1)} key is ${problem}`];
}

function ordinal(place: number): string {
  const suffixes: Readonly<Record<string, string>> = { one: "st", two: "nd", few: "rd", other: "th" };
  return `${place}${suffixes[new Intl.PluralRules("en", { type: "ordinal" }).select(place)]}`;
}

function ringKey(text: string): RingKey {
  const bytes = Buffer.from(text.trim(), "base64url");
  const material = createSecretKey(bytes);
  return {
    id: hkdf(material, "key id", 8).toString("hex"),
    fernet: fernetKey(bytes),
    derive: (purpose) => createSecretKey(hkdf(material, purpose, keyBytes)),
  };
}

function hkdf(material: KeyObject, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync("sha256", material, "", `oauth-token-service ${purpose}`, bytes));
}
