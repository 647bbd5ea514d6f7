import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Secret } from "../../../src/secret.ts";
import { generateKey, parseKeyRing } from "../../../src/storage/seal/key-ring.ts";

const specification = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
const zeros = `${"A".repeat(43)}=`;
const ids = (value: string) => parseKeyRing(new Secret(value)).map((key) => key.id);

test("a key's id never changes, whatever its padding and its place in the ring", () => {
  expect(ids(specification)).toEqual(["3f65e0f27f0db240"]);
  expect(ids(zeros)).toEqual(["81ecb7d79e77ec89"]);
  expect(ids(specification.replace("=", ""))).toEqual(ids(specification));
  expect(ids(` ${zeros} , ${specification}\n`)).toEqual([...ids(zeros), ...ids(specification)]);
});

test("a generated key is one that every Fernet implementation takes", () => {
  const key = generateKey(randomBytes);
  expect(key.reveal()).toMatch(/^[\w-]{43}=$/);
  expect(Buffer.from(key.reveal(), "base64url").length).toBe(32);
  expect(parseKeyRing(key)).toHaveLength(1);
  expect(generateKey(randomBytes).reveal()).not.toBe(key.reveal());
});

test("keys derived for different purposes, or from different keys, have nothing in common", () => {
  const ring = parseKeyRing(new Secret(`${specification},${zeros}`));
  const derived = ring.flatMap((key) => [key.derive("a"), key.derive("b")]);
  expect(new Set(derived.map((key) => key.export().toString("hex"))).size).toBe(4);
  const [one] = ring;
  expect(one.derive("a").equals(one.derive("a"))).toBe(true);
});

describe("a bad key", () => {
  const refusal = (value: string) => {
    try {
      parseKeyRing(new Secret(value));
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
    return "accepted";
  };

  test.each([
    ["", "the 1st key is empty"],
    [`${specification},`, "the 2nd key is empty"],
    ["hunter2hunter2", "the 1st key is not a Fernet key"],
    [`${specification},${specification.slice(1)}`, "the 2nd key is not a Fernet key"],
    [`${specification},${zeros},${specification}=`, "the 3rd key is not a Fernet key"],
    [`${specification},${zeros},${zeros},hunter2hunter2+/`, "the 4th key is not a Fernet key"],
  ])("is named by its place and never shown: %#", (value, message) => {
    expect(refusal(value)).toContain(message);
    for (const piece of ["hunter2", specification.slice(1, 12)]) expect(refusal(value)).not.toContain(piece);
  });

  test("is reported together with all other bad ones", () => {
    expect(refusal(`a,${zeros},b`)).toMatch(/the 1st key .*; the 3rd key /);
  });
});

test("a ring does not show its keys when it is inspected or written as JSON", () => {
  const key = randomBytes(32);
  const ring = parseKeyRing(new Secret(key.toString("base64url")));
  const shown = inspect(ring, { depth: 10, showHidden: true }) + JSON.stringify(ring);
  for (const half of [key.subarray(0, 16), key.subarray(16)]) {
    for (const form of ["hex", "base64", "base64url"] as const)
      expect(shown).not.toContain(half.toString(form).slice(0, 12));
  }
});
