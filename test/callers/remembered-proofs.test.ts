import { expect, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { createPolicy } from "../../src/callers/policy.ts";
import { callerOf, fileOf, parse } from "./support/caller-files.ts";
import { goodClaims, issuerEntry, newKey, serve, serveKeys, sign, subject } from "./support/issuer.ts";
import { openAuthenticator } from "./support/open-authenticator.ts";

const key = await newKey("one");
const start = new Date("2026-11-21T12:00:00Z").getTime();

function standing() {
  let at = start;
  return {
    now: () => new Date(at),
    advance: (ms: number) => {
      at += ms;
    },
  };
}

function ciFile(url: string, name = "ci"): string {
  return fileOf([callerOf(name, `issuer: ci, subject: "${subject}"`)], [issuerEntry(url)]);
}

test("a token is verified once a minute, and known at once in between", async () => {
  const keys = { current: [key.jwk] };
  const issuer = await serveKeys(keys);
  const clock = standing();
  const { authenticate } = openAuthenticator(ciFile(issuer.url), clock.now);
  const claims = goodClaims(issuer.url, clock.now());
  const asked = {
    authorization: `Bearer ${await sign(key, { ...claims, exp: claims.exp! + 900 })}`,
    certificateNames: [],
  };
  const first = authenticate(asked);
  expect(first).toBeInstanceOf(Promise);
  const caller = await first;
  clock.advance(60_000 - 1);
  expect(authenticate(asked)).toBe(caller);
  clock.advance(1);
  expect(authenticate(asked)).toBeInstanceOf(Promise);
});

test("a token that is known ends when it says so", async () => {
  const issuer = await serveKeys({ current: [key.jwk] });
  const clock = standing();
  const { who, refusal } = openAuthenticator(ciFile(issuer.url), clock.now);
  const header = `Bearer ${await sign(key, { ...goodClaims(issuer.url, clock.now()), exp: start / 1000 + 30 })}`;
  await who(header);
  clock.advance(29_999);
  expect((await who(header)).name).toBe("ci");
  clock.advance(1);
  expect(await refusal(header)).not.toBe("");
});

test("no bad proof is remembered in place of a good one", async () => {
  const keys = { current: [] as unknown[] };
  const issuer = await serveKeys(keys);
  const clock = standing();
  const { who, refusal } = openAuthenticator(ciFile(issuer.url), clock.now);
  const header = `Bearer ${await sign(key, goodClaims(issuer.url, clock.now()))}`;
  expect(await refusal(header)).not.toBe("");
  keys.current = [key.jwk];
  clock.advance(30_000);
  expect((await who(header)).name).toBe("ci");
});

test("a new file is asked about everybody, also about those who were known", async () => {
  const issuer = await serveKeys({ current: [key.jwk] });
  const clock = standing();
  const { who, refusal, use } = openAuthenticator(ciFile(issuer.url), clock.now);
  const header = `Bearer ${await sign(key, goodClaims(issuer.url, clock.now()))}`;
  expect((await who(header)).name).toBe("ci");
  use(createPolicy(parse(ciFile(issuer.url, "renamed"))));
  expect((await who(header)).name).toBe("renamed");
  use(createPolicy(parse(fileOf([callerOf("web", "mtls_san: web.internal")]))));
  expect(await refusal(header)).not.toBe("");
});

test("a call that is being verified while the file changes is decided by the new one", async () => {
  const asked = createGate();
  const gate = createGate();
  const issuer = await serve(async (_request, response) => {
    asked.open();
    await gate.opened;
    response.end(JSON.stringify({ keys: [key.jwk] }));
  });
  const clock = standing();
  const { who, use } = openAuthenticator(ciFile(issuer.url), clock.now);
  const header = `Bearer ${await sign(key, goodClaims(issuer.url, clock.now()))}`;
  const [before, out] = [who(header), who(header)];
  await asked.opened;
  const next = createPolicy(parse(ciFile(issuer.url, "renamed")));
  use(next);
  gate.open();
  expect((await before).policyHash).toBe(next.hash);
  expect((await out).name).toBe("renamed");
});
