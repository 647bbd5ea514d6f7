import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fernetKey, openFernet, sealFernet } from "../../../src/storage/seal/fernet.ts";
import { fernetVectors, hasPythonPeer, openedByPython, sealedElsewhere } from "./fernet-peer.ts";

const bytesOf = (key: string) => Buffer.from(key, "base64url");
const seal = (key: Buffer, message: string, now = new Date()) =>
  sealFernet(fernetKey(key), message, { now, iv: randomBytes(16) });
const messages = ["", "hello", "sixteen bytes ok", "ключ 🔑", "x".repeat(5000)];

describe("official vectors", () => {
  test.each(fernetVectors("generate"))("generates $token", ({ secret, src, now, iv, token }) => {
    const sealed = sealFernet(fernetKey(bytesOf(secret)), src, { now: new Date(now), iv: Buffer.from(iv) });
    expect(sealed).toBe(token);
  });

  test.each(fernetVectors("verify"))("verifies $token", ({ secret, src, now, ttl_sec, token }) => {
    const opened = openFernet([fernetKey(bytesOf(secret))], token, { ttlSeconds: ttl_sec, now: new Date(now) });
    expect(opened?.toString()).toBe(src);
  });

  test.each(fernetVectors("invalid"))("refuses: $desc", ({ secret, now, ttl_sec, token }) => {
    const life = { ttlSeconds: ttl_sec, now: new Date(now) };
    expect(openFernet([fernetKey(bytesOf(secret))], token, life)).toBeUndefined();
  });
});

test("opens what another implementation sealed", () => {
  const exchanges = sealedElsewhere(randomBytes(32).toString("base64url").concat("="), messages);
  expect(exchanges.length).toBeGreaterThan(0);
  for (const { key, message, token } of exchanges) {
    expect(openFernet([fernetKey(bytesOf(key))], token)?.toString()).toBe(message);
  }
});

test("is opened by another implementation", () => {
  const key = randomBytes(32);
  const tokens = messages.map((message) => seal(key, message));
  // Without Python, our own reading and the official vector stand in for it.
  const opened = hasPythonPeer
    ? openedByPython(`${key.toString("base64url")}=`, tokens)
    : tokens.map((token) => openFernet([fernetKey(key)], token)?.toString());
  expect(opened).toEqual(messages);
});

test("opens any message again, and only with the key it was sealed with", () => {
  const key = randomBytes(32);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (message) => {
      const token = seal(key, message);
      expect(token).toMatch(/^gAAAAA[\w-]+={0,2}$/);
      expect(openFernet([fernetKey(key)], token)?.toString()).toBe(message);
      expect(openFernet([fernetKey(randomBytes(32))], token)).toBeUndefined();
    }),
  );
});

test("does not open when any one character is another", () => {
  const key = randomBytes(32);
  const token = seal(key, "a token worth stealing");
  for (let place = 0; place < token.length; place++) {
    const altered = token.slice(0, place) + (token[place] === "A" ? "B" : "A") + token.slice(place + 1);
    expect(openFernet([fernetKey(key)], altered)).toBeUndefined();
  }
});

test("does not open any beginning of a token, nor a token without its padding", () => {
  const key = randomBytes(32);
  const token = seal(key, "a token worth stealing");
  expect(token).toMatch(/=$/);
  for (let length = 0; length < token.length; length++) {
    expect(openFernet([fernetKey(key)], token.slice(0, length))).toBeUndefined();
  }
});

test("minds the life of a token only when asked to", () => {
  const key = randomBytes(32);
  const token = seal(key, "old", new Date("2001-01-01"));
  const life = { ttlSeconds: 60, now: new Date("2001-01-01T00:01:01Z") };
  expect(openFernet([fernetKey(key)], token)?.toString()).toBe("old");
  expect(openFernet([fernetKey(key)], token, life)).toBeUndefined();
});

test("does not open a version it does not know, whoever signed it", () => {
  const key = randomBytes(32);
  const signed = Buffer.from(seal(key, "hello"), "base64url").subarray(0, -32);
  const resigned = (version: number) => {
    signed.writeUInt8(version, 0);
    const mac = createHmac("sha256", key.subarray(0, 16)).update(signed).digest();
    return Buffer.concat([signed, mac]).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
  };
  expect(openFernet([fernetKey(key)], resigned(0x80))?.toString()).toBe("hello");
  expect(openFernet([fernetKey(key)], resigned(0x81))).toBeUndefined();
});
