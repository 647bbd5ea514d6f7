import { exportJWK } from "jose";
import { describe, expect, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { callerOf, fileOf } from "./support/caller-files.ts";
import { goodClaims, issuerEntry, newKey, type SigningKey, serve, serveKeys, sign, subject } from "./support/issuer.ts";
import { openAuthenticator } from "./support/open-authenticator.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

const [one, two] = await Promise.all([newKey("one"), newKey("two")]);

/** An authenticator that trusts the issuer at this address, and a clock that stands until it is moved. */
function trusting(url: string, timeoutMs?: number) {
  let at = new Date("2026-11-21T12:00:00Z").getTime();
  const now = () => new Date(at);
  const file = fileOf([callerOf("ci", `issuer: ci, subject: "${subject}"`)], [issuerEntry(url)]);
  const opened = openAuthenticator(file, now, timeoutMs);
  /** A new token each time: none is remembered. */
  let count = 0;
  const fresh = (key: SigningKey) => sign(key, { ...goodClaims(url, now()), jti: String(count++) });
  return {
    ...opened,
    advance: (ms: number) => {
      at += ms;
    },
    isTrusted: async (key: SigningKey) => (await opened.refusal(`Bearer ${await fresh(key)}`)) === "",
    events: () => opened.world.lines.map((line) => JSON.parse(line).event as string),
  };
}

describe("a token that names no key", () => {
  test("is tried with every key that fits its algorithm", async () => {
    const [three, four, stranger] = await Promise.all([newKey(undefined), newKey(undefined), newKey(undefined)]);
    const rsa = await newKey(undefined, "RS256");
    const issuer = await serveKeys({ current: [three.jwk, rsa.jwk, four.jwk] });
    const { isTrusted } = trusting(issuer.url);
    expect(await Promise.all([three, four, rsa, stranger].map(isTrusted))).toEqual([true, true, true, false]);
  });

  test("is not tried with endless keys", async () => {
    const keys = await Promise.all(Array.from({ length: 9 }, () => newKey(undefined)));
    const issuer = await serveKeys({ current: keys.map(({ jwk }) => jwk) });
    const { isTrusted } = trusting(issuer.url);
    expect(await Promise.all(keys.map(isTrusted))).toEqual([...Array(8).fill(true), false]);
  });
});

test("a key that SPIFFE says is for JWTs signs them, and one for certificates does not", async () => {
  const issuer = await serveKeys({
    current: [
      { ...one.jwk, use: "jwt-svid" },
      { ...two.jwk, use: "x509-svid" },
    ],
  });
  const { isTrusted } = trusting(issuer.url);
  expect([await isTrusted(one), await isTrusted(two)]).toEqual([true, false]);
});

describe("an issuer that is there", () => {
  test("is asked once for any number of calls, also at the same time", async () => {
    const issuer = await serveKeys({ current: [one.jwk] });
    const { isTrusted } = trusting(issuer.url);
    expect(await Promise.all(Array.from({ length: 20 }, () => isTrusted(one)))).not.toContain(false);
    expect(await isTrusted(one)).toBe(true);
    expect(issuer.requests()).toBe(1);
  });

  test("is asked again for a key that is not known yet, and never more often than every 30 s", async () => {
    const keys = { current: [one.jwk] };
    const issuer = await serveKeys(keys);
    const { isTrusted, advance } = trusting(issuer.url);
    expect(await isTrusted(one)).toBe(true);
    keys.current = [one.jwk, two.jwk];
    expect(await isTrusted(two)).toBe(false);
    advance(29 * second);
    expect(await isTrusted(two)).toBe(false);
    expect(issuer.requests()).toBe(1);
    advance(1 * second);
    expect(await isTrusted(two)).toBe(true);
    expect(issuer.requests()).toBe(2);
  });

  test("is not asked by a crowd of strangers", async () => {
    const issuer = await serveKeys({ current: [one.jwk] });
    const { isTrusted, advance } = trusting(issuer.url);
    await isTrusted(one);
    advance(30 * second);
    expect(await Promise.all(Array.from({ length: 20 }, () => isTrusted(two)))).not.toContain(true);
    expect(await isTrusted(two)).toBe(false);
    expect(issuer.requests()).toBe(2);
  });

  test("takes a key back within five minutes", async () => {
    const keys = { current: [one.jwk, two.jwk] };
    const issuer = await serveKeys(keys);
    const { isTrusted, advance } = trusting(issuer.url);
    expect(await isTrusted(one)).toBe(true);
    keys.current = [two.jwk];
    advance(5 * minute - 1);
    expect(await isTrusted(one)).toBe(true);
    advance(1);
    expect(await isTrusted(one)).toBe(false);
    expect(await isTrusted(two)).toBe(true);
  });

  test("is asked again after the clock was set back, and believed if it is away then", async () => {
    const keys = { current: [one.jwk] };
    const issuer = await serveKeys(keys);
    const { isTrusted, advance } = trusting(issuer.url);
    expect(await isTrusted(one)).toBe(true);
    keys.current = [two.jwk];
    advance(-hour);
    expect(await isTrusted(one)).toBe(false);
    expect(await isTrusted(two)).toBe(true);
    await issuer.close();
    advance(-hour);
    expect(await isTrusted(two)).toBe(true);
  });

  test("needs no ids of keys, also while it changes them", async () => {
    const [plain, other] = await Promise.all([newKey(undefined), newKey(undefined)]);
    const keys = { current: [plain.jwk] };
    const issuer = await serveKeys(keys);
    const { isTrusted, advance } = trusting(issuer.url);
    expect(await isTrusted(plain)).toBe(true);
    keys.current = [plain.jwk, other.jwk];
    advance(5 * minute);
    expect([await isTrusted(plain), await isTrusted(other)]).toEqual([true, true]);
  });
});

describe("an issuer that is away", () => {
  test("has its last keys believed for a day, and no longer", async () => {
    const issuer = await serveKeys({ current: [one.jwk] });
    const { isTrusted, advance, events } = trusting(issuer.url);
    expect(await isTrusted(one)).toBe(true);
    await issuer.close();
    advance(24 * hour - 1);
    expect(await isTrusted(one)).toBe(true);
    expect(await isTrusted(one)).toBe(true);
    advance(1);
    expect(await isTrusted(one)).toBe(false);
    expect(events()).toEqual(["issuer.keys_unavailable"]);
  });

  test("proves nobody while it was never there, and is asked every 5 s", async () => {
    let isThere = false;
    const issuer = await serve((_request, response) => {
      response.statusCode = isThere ? 200 : 503;
      response.end(JSON.stringify({ keys: [one.jwk] }));
    });
    const { isTrusted, advance, events } = trusting(issuer.url);
    expect(await isTrusted(one)).toBe(false);
    isThere = true;
    advance(5 * second - 1);
    expect(await isTrusted(one)).toBe(false);
    expect(issuer.requests()).toBe(1);
    advance(1);
    expect(await isTrusted(one)).toBe(true);
    expect(events()).toEqual(["issuer.keys_unavailable", "issuer.keys_back"]);
  });

  test("holds up nobody whose key is known", async () => {
    const gate = createGate();
    let answers = 0;
    const issuer = await serve(async (_request, response) => {
      answers++;
      if (answers === 2) response.statusCode = 500;
      if (answers === 3) await gate.opened;
      response.end(JSON.stringify({ keys: [one.jwk] }));
    });
    const { isTrusted, advance } = trusting(issuer.url, 10 * minute);
    await isTrusted(one);
    advance(5 * minute);
    expect(await isTrusted(one)).toBe(true);
    advance(5 * second);
    // The third answer is still to come.
    expect(await isTrusted(one)).toBe(true);
    gate.open();
  });

  test("is given up after a while if it says nothing", async () => {
    const issuer = await serve(() => undefined);
    const { isTrusted, world } = trusting(issuer.url, 50);
    expect(await isTrusted(one)).toBe(false);
    expect(world.lines.join()).toContain("issuer.keys_unavailable");
  });
});

describe("an answer counts for nothing", () => {
  const elsewhere = () => serveKeys({ current: [one.jwk] });

  test("that leads elsewhere, where nobody goes", async () => {
    const other = await elsewhere();
    const issuer = await serve((_request, response) => response.writeHead(302, { location: other.url }).end());
    expect(await trusting(issuer.url).isTrusted(one)).toBe(false);
    expect(other.connections()).toBe(0);
  });

  test.each([
    ["that is no JSON", "<html>"],
    ["that is no key set", JSON.stringify([one.jwk])],
    ["whose keys are none", JSON.stringify({ keys: ["one"] })],
    ["without a key", JSON.stringify({ keys: [] })],
    ["that is larger than 100 KiB", JSON.stringify({ keys: [one.jwk], more: "x".repeat(100 * 1024) })],
    ["with a secret key", JSON.stringify({ keys: [{ kty: "oct", k: "AAAA", kid: "one", alg: "ES256" }] })],
    ["with a key that is on no curve", JSON.stringify({ keys: [{ ...one.jwk, x: two.jwk.x }] })],
    ["with a key for something else", JSON.stringify({ keys: [{ ...one.jwk, use: "enc" }] })],
    ["with a key of another algorithm", JSON.stringify({ keys: [{ ...one.jwk, alg: "ES384" }] })],
    ["with the same id twice", JSON.stringify({ keys: [one.jwk, { ...two.jwk, kid: "one" }] })],
  ])("%s", async (_, text) => {
    const issuer = await serve((_request, response) => response.end(text));
    expect(await trusting(issuer.url).isTrusted(one)).toBe(false);
  });

  test("with a private key in it, though it would fit", async () => {
    const { d } = await exportJWK(one.privateKey);
    const issuer = await serve((_request, response) => response.end(JSON.stringify({ keys: [{ ...one.jwk, d }] })));
    expect(await trusting(issuer.url).isTrusted(one)).toBe(false);
  });
});
