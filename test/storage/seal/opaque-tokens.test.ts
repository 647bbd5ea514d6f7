import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Secret } from "../../../src/secret.ts";
import { generateKey, parseKeyRing } from "../../../src/storage/seal/key-ring.ts";
import { createOpaqueTokens } from "../../../src/storage/seal/opaque-tokens.ts";

const [old, current] = [generateKey(randomBytes).reveal(), generateKey(randomBytes).reveal()];
const tokens = (keys: string, purpose = "page") =>
  createOpaqueTokens({ keys: parseKeyRing(new Secret(keys)), random: randomBytes, purpose });

test("opens any text again and shows nothing of it", () => {
  const { seal, open } = tokens(current);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (plain) => {
      const text = seal(plain);
      expect(text).toMatch(/^[\w-]+$/);
      expect(open(text)).toBe(plain);
    }),
  );
});

test("seals with the first key and opens with all of them", () => {
  const before = tokens(old).seal("position");
  const rotating = tokens(`${current},${old}`);
  expect(rotating.open(before)).toBe("position");
  expect(tokens(current).open(rotating.seal("position"))).toBe("position");
  expect(tokens(current).open(before)).toBeUndefined();
});

test("does not open for another purpose", () => {
  expect(tokens(current, "completion").open(tokens(current).seal("position"))).toBeUndefined();
});

test("does not open when any one character is another, missing or added", () => {
  const { seal, open } = tokens(current);
  const text = seal("position");
  for (let at = 0; at <= text.length; at++) {
    const swapped = text[at] === "B" ? "C" : "B";
    expect(open(`${text.slice(0, at)}${swapped}${text.slice(at)}`)).toBeUndefined();
    if (at === text.length) continue;
    expect(open(text.slice(0, at) + swapped + text.slice(at + 1))).toBeUndefined();
    expect(open(text.slice(0, at))).toBeUndefined();
  }
});

test("is undefined for whatever a caller makes up", () => {
  const { open } = tokens(current);
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => open(text) === undefined));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (b) => open(Buffer.from(b).toString("base64url")) === undefined),
  );
});
