import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { createApiKey, hashOfApiKey, isApiKey } from "../../src/callers/api-key.ts";
import { registry } from "../../src/platforms/registry.ts";
import { callerOf, fileOf } from "./support/caller-files.ts";
import { openAuthenticator } from "./support/open-authenticator.ts";

const newKey = () => createApiKey(randomBytes).key.reveal();
const dayMs = 24 * 3_600_000;

/** `match` of a caller with this key. */
function keyMatch(key: string, expiresAt: Date): string {
  const expires = expiresAt.toISOString().slice(0, 10);
  return `api_key: "sha256:${hashOfApiKey(key).toString("hex")}", expires: ${expires}`;
}

describe("a new key", () => {
  test("has an id, 256 bits of secret and a checksum, in digits that are no separator", () => {
    const { id, key } = createApiKey(randomBytes);
    expect(key.reveal()).toMatch(/^ots_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
    expect(key.reveal().split("_")[1]).toBe(id);
    expect(isApiKey(key.reveal())).toBe(true);
  });

  test("holds every bit that was drawn, at both ends of what can be drawn", () => {
    const all = createApiKey((bytes) => Buffer.alloc(bytes, 0xff)).key.reveal();
    const none = createApiKey((bytes) => Buffer.alloc(bytes)).key.reveal();
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const value = [...all.split("_")[2]!].reduce((sum, digit) => sum * 62n + BigInt(digits.indexOf(digit)), 0n);
    expect(value).toBe(2n ** 256n - 1n);
    expect(none.split("_").slice(1, 3)).toEqual(["0".repeat(8), "0".repeat(43)]);
    expect([all, none].map(isApiKey)).toEqual([true, true]);
  });

  test("is written to no log", () => {
    const key = newKey();
    for (const line of [`authorization: Bearer ${key}`, JSON.stringify({ key }), `x=${key}&y`, key.slice(0, 30)]) {
      expect(registry.redact(line)).toContain("[redacted]");
      expect(registry.redact(line)).not.toContain(key.slice(13, 25));
    }
  });

  test("is no longer one with any character changed, or two of them swapped", () => {
    const key = newKey();
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.constantFrom(..."0Aaz_-."), (at, other) => {
        fc.pre(key[at] !== other);
        expect(isApiKey(`${key.slice(0, at)}${other}${key.slice(at + 1)}`)).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.nat(key.length - 2), (at) => {
        fc.pre(key[at] !== key[at + 1]);
        expect(isApiKey(`${key.slice(0, at)}${key[at + 1]}${key[at]}${key.slice(at + 2)}`)).toBe(false);
      }),
    );
  });
});

describe("a caller with an API key", () => {
  const clock = createClock();
  const [ciKey, otherKey, oldKey, unknownKey] = [newKey(), newKey(), newKey(), newKey()];
  const file = fileOf([
    callerOf("ci", keyMatch(ciKey, new Date(clock.now().getTime() + dayMs))),
    callerOf("other", keyMatch(otherKey, new Date(clock.now().getTime() + dayMs))),
    callerOf("old", keyMatch(oldKey, new Date(clock.now().getTime() - dayMs))),
    callerOf("web", "mtls_san: web.internal"),
    callerOf("homemade", keyMatch("ots_password", new Date(clock.now().getTime() + dayMs))),
  ]);

  test("is recognized, and taken for nobody else", async () => {
    const { who } = openAuthenticator(file, clock.now);
    expect((await who(`Bearer ${ciKey}`)).name).toBe("ci");
    expect((await who(`Bearer ${otherKey}`)).name).toBe("other");
    expect((await who(`bearer  ${otherKey}`)).name).toBe("other");
  });

  const bad: readonly (readonly [string, string | undefined])[] = [
    ["nothing", undefined],
    ["an empty header", ""],
    ["an unknown key", `Bearer ${unknownKey}`],
    ["an expired key", `Bearer ${oldKey}`],
    ["a key that is cut", `Bearer ${ciKey.slice(0, -1)}`],
    ["a key with something behind it", `Bearer ${ciKey}x`],
    ["a key with a wrong checksum", `Bearer ${ciKey.slice(0, -6)}000000`],
    ["the id of one and the secret of another", `Bearer ${ciKey.slice(0, 12)}${otherKey.slice(12)}`],
    ["a key in other letters", `Bearer ${ciKey.toLowerCase()}`],
    ["its hash", `Bearer sha256:${hashOfApiKey(ciKey).toString("hex")}`],
    ["its hash in hexadecimal", `Bearer ${hashOfApiKey(ciKey).toString("hex")}`],
    ["a word that somebody made up, whose hash is in the file", "Bearer ots_password"],
    ["a key without Bearer", ciKey],
    ["a key as a password", `Basic ${Buffer.from(`ci:${ciKey}`).toString("base64")}`],
    ["two keys", `Bearer ${ciKey}, Bearer ${otherKey}`],
    ["a key of 9 KiB", `Bearer ${ciKey}${" ".repeat(9 * 1024)}`],
  ];

  test.each(bad)("is not recognized by %s", async (_, header) => {
    const { refusal } = openAuthenticator(file, clock.now);
    expect(JSON.parse(await refusal(header)).reason).toBe("CALLER_UNAUTHENTICATED");
  });

  test("is refused in the same words whatever is wrong, and told what to present", async () => {
    const { refusal } = openAuthenticator(file, clock.now);
    const said = await Promise.all(bad.map(([, header]) => refusal(header)));
    expect(new Set(said).size).toBe(1);
    expect(said[0]).toContain("`authorization: Bearer` with its API key");
  });

  test("is not rescued by a certificate", async () => {
    const { refusal, who } = openAuthenticator(file, clock.now);
    expect(await refusal(`Bearer ${unknownKey}`, ["DNS:web.internal"])).not.toBe("");
    expect(await refusal("", ["DNS:web.internal"])).not.toBe("");
    expect((await who(`Bearer ${ciKey}`, ["DNS:web.internal"])).name).toBe("ci");
  });

  test("is recognized until the end of the day its key expires, and not a moment longer", async () => {
    let now = new Date("2026-11-21T12:00:00Z");
    const today = openAuthenticator(fileOf([callerOf("ci", keyMatch(ciKey, now))]), () => now);
    now = new Date("2026-11-21T23:59:59.999Z");
    expect((await today.who(`Bearer ${ciKey}`)).name).toBe("ci");
    now = new Date("2026-11-22T00:00:00Z");
    expect(await today.refusal(`Bearer ${ciKey}`)).not.toBe("");
  });

  test("is answered at once, the first time and every time", () => {
    const { authenticate } = openAuthenticator(file, clock.now);
    const asked = { authorization: `Bearer ${ciKey}`, certificateNames: [] };
    const first = authenticate(asked);
    expect(first).toMatchObject({ name: "ci" });
    expect(authenticate(asked)).toBe(first);
  });
});
