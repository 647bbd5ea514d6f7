import { createSecretKey, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openAes256Gcm, sealAes256Gcm } from "../../../src/storage/seal/aes-256-gcm.ts";

const key = createSecretKey(randomBytes(32));
const seal = (message: string, associatedData = "here") =>
  sealAes256Gcm(key, message, { nonce: randomBytes(12), associatedData });

test("reproduces test case 14 of the GCM specification", () => {
  const zeros = createSecretKey(Buffer.alloc(32));
  const blob = sealAes256Gcm(zeros, "\0".repeat(16), { nonce: Buffer.alloc(12), associatedData: "" });
  expect(blob.subarray(12).toString("hex")).toBe("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
});

test("opens what it sealed, with the same associated data", () => {
  expect(openAes256Gcm(key, seal("a token"), "here")).toBe("a token");
  expect(openAes256Gcm(key, seal(""), "here")).toBe("");
  expect(openAes256Gcm(key, seal("a token"), "there")).toBeUndefined();
  expect(openAes256Gcm(createSecretKey(randomBytes(32)), seal("a token"), "here")).toBeUndefined();
});

describe.each([4, 8, 12, 13, 14, 15])("a tag cut to %i bytes", (bytes) => {
  test("is refused, though the cipher itself would take it", () => {
    expect(openAes256Gcm(key, seal("").subarray(0, 12 + bytes), "here")).toBeUndefined();
    const blob = seal("a token");
    expect(openAes256Gcm(key, blob.subarray(0, blob.length - 16 + bytes), "here")).toBeUndefined();
  });
});

test("does not open when any one bit is another", () => {
  const blob = seal("a token");
  for (let bit = 0; bit < blob.length * 8; bit++) {
    const altered = Buffer.from(blob);
    altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(openAes256Gcm(key, altered, "here")).toBeUndefined();
  }
});

test("does not open what is too short to hold a nonce and a whole tag", () => {
  for (let bytes = 0; bytes < 28; bytes++)
    expect(openAes256Gcm(key, seal("").subarray(0, bytes), "here")).toBeUndefined();
});
