import { createHmac } from "node:crypto";
import { CompactSign, type CryptoKey, exportJWK, exportSPKI, importJWK } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { callerOf, fileOf } from "./support/caller-files.ts";
import {
  type CountingServer,
  goodClaims,
  issuerEntry,
  newKey,
  part,
  type SigningKey,
  serve,
  serveKeys,
  sign,
  subject,
} from "./support/issuer.ts";
import { type Opened, openAuthenticator } from "./support/open-authenticator.ts";

const now = new Date("2026-11-21T12:00:00Z");
const seconds = now.getTime() / 1000;

/** Everything a bad token can be made of. */
interface Parts {
  readonly iss: string;
  /** A server that would give the attacker's keys to whoever asks. */
  readonly canary: string;
  readonly key: SigningKey;
  readonly rsa: SigningKey;
  readonly shortRsa: SigningKey;
  readonly forEncryption: SigningKey;
  readonly attacker: SigningKey;
  readonly good: ReturnType<typeof goodClaims>;
}

let keys: Pick<Parts, "key" | "rsa" | "shortRsa" | "forEncryption" | "attacker">;

beforeAll(async () => {
  const [key, rsa, attacker, forEncryption] = await Promise.all([
    newKey("one"),
    newKey("rsa", "RS256"),
    newKey("one"),
    newKey("enc"),
  ]);
  const short = await crypto.subtle.generateKey(
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ["sign", "verify"],
  );
  const shortRsa = { privateKey: short.privateKey, jwk: { ...(await exportJWK(short.publicKey)), kid: "short" } };
  keys = {
    key,
    rsa,
    attacker,
    shortRsa,
    forEncryption: { ...forEncryption, jwk: { ...forEncryption.jwk, use: "enc" } },
  };
});

async function open(): Promise<{ parts: Parts; canary: CountingServer; issuer: CountingServer } & Opened> {
  const { key, rsa, shortRsa, forEncryption, attacker } = keys;
  const issuer = await serveKeys({
    current: [key.jwk, { ...rsa.jwk, alg: undefined }, shortRsa.jwk, forEncryption.jwk],
  });
  const canary = await serve((_request, response) => response.end(JSON.stringify({ keys: [attacker.jwk] })));
  const text = fileOf([callerOf("ci", `issuer: ci, subject: "${subject}"`)], [issuerEntry(issuer.url)]);
  const parts: Parts = { iss: issuer.url, canary: canary.url, ...keys, good: goodClaims(issuer.url, now) };
  return { parts, canary, issuer, ...openAuthenticator(text, () => now) };
}

const without = <T extends object>(claims: T, name: keyof T) => ({ ...claims, [name]: undefined });
const b64 = (value: unknown) => part(value);
/** Signs whatever is given, well-formed or not. */
const signRaw = (key: SigningKey, payload: string, header: object = {}) =>
  new CompactSign(Buffer.from(payload))
    .setProtectedHeader({ alg: "ES256", kid: "one", ...header })
    .sign(key.privateKey);

async function rsaAsHmacSecret({ rsa, good }: Parts, secret: "pem" | "jwk"): Promise<string> {
  const publicKey = await importJWK(rsa.jwk, "RS256");
  const bytes = secret === "pem" ? await exportSPKI(publicKey as CryptoKey) : JSON.stringify(rsa.jwk);
  const body = `${b64({ alg: "HS256", kid: "rsa" })}.${b64(good)}`;
  return `${body}.${createHmac("sha256", bytes).update(body).digest("base64url")}`;
}

const bad: readonly (readonly [string, (parts: Parts) => string | Promise<string>])[] = [
  ["no signature", ({ good }) => `${b64({ alg: "none" })}.${b64(good)}.`],
  ["no signature, in capitals", ({ good }) => `${b64({ alg: "NONE" })}.${b64(good)}.`],
  ["no signature, with a known key's id", ({ good }) => `${b64({ alg: "none", kid: "one" })}.${b64(good)}.AAAA`],
  ["the public key as a shared secret", (parts) => rsaAsHmacSecret(parts, "pem")],
  ["the published key as a shared secret", (parts) => rsaAsHmacSecret(parts, "jwk")],
  ["an algorithm that the file does not list", ({ rsa, good }) => signPs256(rsa, good)],
  ["the algorithm of another key", ({ key, good }) => reheaded(key, good, { alg: "RS256", kid: "one" })],
  ["somebody else's signature", ({ attacker, good }) => sign(attacker, good)],
  ["a key that the token brings (jwk)", ({ attacker, good }) => sign(attacker, good, { jwk: attacker.jwk })],
  ["keys that the token names (jku)", ({ attacker, good, canary }) => sign(attacker, good, { jku: `${canary}/keys` })],
  [
    "a certificate that the token names (x5u)",
    ({ attacker, good, canary }) => sign(attacker, good, { x5u: `${canary}/c` }),
  ],
  ["a certificate that the token brings (x5c)", ({ attacker, good }) => sign(attacker, good, { x5c: ["MIIB"] })],
  ["a key's id that is an address", ({ attacker, good, canary }) => sign(attacker, good, { kid: `${canary}/keys` })],
  ["a key's id that is a path", ({ attacker, good }) => sign(attacker, good, { kid: "../../../../dev/null" })],
  ["a key's id that is a statement", ({ attacker, good }) => sign(attacker, good, { kid: "x' or '1'='1" })],
  ["a key's id that is unknown", ({ key, good }) => sign(key, good, { kid: "two" })],
  ["a key that is for encryption", ({ forEncryption, good }) => sign(forEncryption, good)],
  ["an RSA key of 1024 bits", ({ shortRsa, good }) => signShort(shortRsa, good)],
  ["another issuer, and keys there", ({ attacker, good, canary }) => sign(attacker, { ...good, iss: canary })],
  ["an issuer with a slash at its end", ({ key, good, iss }) => sign(key, { ...good, iss: `${iss}/` })],
  ["an issuer in other letters", ({ key, good, iss }) => sign(key, { ...good, iss: iss.toUpperCase() })],
  ["an issuer with a user in front", ({ key, good, iss, canary }) => sign(key, { ...good, iss: `${canary}@${iss}` })],
  ["several issuers", ({ key, good, iss }) => sign(key, { ...good, iss: [iss] as unknown as string })],
  ["no issuer", ({ key, good }) => sign(key, without(good, "iss"))],
  ["another audience", ({ key, good }) => sign(key, { ...good, aud: "others" })],
  ["an audience that begins alike", ({ key, good }) => sign(key, { ...good, aud: "tokens-2" })],
  ["a second audience", ({ key, good }) => sign(key, { ...good, aud: ["tokens", "others"] })],
  ["no audience", ({ key, good }) => sign(key, without(good, "aud"))],
  ["another subject", ({ key, good }) => sign(key, { ...good, sub: "repo:acme/app:ref:refs/heads/evil" })],
  ["a subject that begins alike", ({ key, good }) => sign(key, { ...good, sub: `${subject}-2` })],
  ["a subject in other letters", ({ key, good }) => sign(key, { ...good, sub: subject.toUpperCase() })],
  ["a list of subjects", ({ key, good }) => sign(key, { ...good, sub: [subject] as unknown as string })],
  ["no subject", ({ key, good }) => sign(key, without(good, "sub"))],
  ["no end", ({ key, good }) => sign(key, without(good, "exp"))],
  ["an end that is text", ({ key, good }) => signRaw(key, JSON.stringify({ ...good, exp: String(good.exp) }))],
  ["an end without end", ({ key, good }) => signRaw(key, JSON.stringify(good).replace(/"exp":\d+/, '"exp":1e999'))],
  ["an end that has come", ({ key, good }) => sign(key, { ...good, exp: seconds })],
  ["an end a moment ago", ({ key, good }) => sign(key, { ...good, exp: seconds - 1 })],
  ["a beginning in two minutes", ({ key, good }) => sign(key, { ...good, nbf: seconds + 120 })],
  ["a beginning that is text", ({ key, good }) => signRaw(key, JSON.stringify({ ...good, nbf: "now" }))],
  ["a birth in two minutes", ({ key, good }) => sign(key, { ...good, iat: seconds + 120 })],
  ["no birth", ({ key, good }) => sign(key, without(good, "iat"))],
  ["two hours of age", ({ key, good }) => sign(key, { ...good, iat: seconds - 7_200 })],
  [
    "an extension that nobody knows",
    ({ key, good }) => reheaded(key, good, { alg: "ES256", kid: "one", crit: ["exp2"], exp2: 1 }),
  ],
  [
    "a payload that is not encoded",
    ({ key, good }) => reheaded(key, good, { alg: "ES256", kid: "one", crit: ["b64"], b64: false }),
  ],
  [
    "an extension that changes nothing",
    ({ key, good }) => reheaded(key, good, { alg: "ES256", kid: "one", crit: ["b64"], b64: true }),
  ],
  ["the type of a logout", ({ key, good }) => sign(key, good, { typ: "logout+jwt" })],
  ["the type of a proof of possession", ({ key, good }) => sign(key, good, { typ: "dpop+jwt" })],
  ["a type that is no text", ({ key, good }) => reheaded(key, good, { alg: "ES256", kid: "one", typ: ["JWT"] })],
  ["claims that are a list", ({ key, good }) => signRaw(key, JSON.stringify([good]))],
  ["claims that are no JSON", ({ key }) => signRaw(key, "{")],
  [
    "other claims under the signature",
    async ({ key, good }) => {
      const [header, , signature] = (await sign(key, without(good, "sub"))).split(".");
      return `${header}.${b64(good)}.${signature}`;
    },
  ],
  [
    "another header over the signature",
    async ({ key, good }) => {
      const [, claims, signature] = (await sign(key, good)).split(".");
      return `${b64({ alg: "ES256", kid: "one", typ: "JWT" })}.${claims}.${signature}`;
    },
  ],
  ["a signature that is cut", async ({ key, good }) => (await sign(key, good)).slice(0, -4)],
  [
    "a signature of zeroes",
    async ({ key, good }) => `${(await sign(key, good)).split(".").slice(0, 2).join(".")}.${b64("\0".repeat(64))}`,
  ],
  ["four parts", async ({ key, good }) => `${await sign(key, good)}.AAAA`],
  ["five parts, as if encrypted", ({ good }) => `${b64({ alg: "dir", enc: "A256GCM" })}..AAAA.${b64(good)}.AAAA`],
  ["two parts", async ({ key, good }) => (await sign(key, good)).split(".").slice(0, 2).join(".")],
  ["one part", () => "eyJhbGciOiJFUzI1NiJ9"],
  ["more than 8 KiB", ({ key, good }) => sign(key, { ...good, more: "x".repeat(8 * 1024) })],
];

/** As an attacker would: signs with a header that a library would not write. */
async function reheaded(key: SigningKey, claims: object, header: object): Promise<string> {
  const body = `${b64(header)}.${b64(claims)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, Buffer.from(body));
  return `${body}.${Buffer.from(signature).toString("base64url")}`;
}

async function signShort(key: SigningKey, claims: object): Promise<string> {
  const body = `${b64({ alg: "RS256", kid: "short" })}.${b64(claims)}`;
  const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key.privateKey, Buffer.from(body));
  return `${body}.${Buffer.from(signature).toString("base64url")}`;
}

async function signPs256(key: SigningKey, claims: object): Promise<string> {
  const pss = await importJWK({ ...(await exportJWK(key.privateKey)), alg: "PS256" }, "PS256");
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "PS256", kid: "rsa" })
    .sign(pss as CryptoKey);
}

describe("a token is refused that has", () => {
  test.each(bad)("%s", async (_, make) => {
    const { parts, canary, issuer, refusal, who } = await open();
    const good = `Bearer ${await sign(parts.key, parts.good)}`;
    expect((await who(good)).name).toBe("ci");

    const said = await refusal(`Bearer ${await make(parts)}`);
    expect(JSON.parse(said).reason).toBe("CALLER_UNAUTHENTICATED");
    expect(said).toBe(await refusal(undefined));
    expect(canary.connections()).toBe(0);
    expect(issuer.requests()).toBe(1);
  });
});

describe("a token is good that has", () => {
  const good: readonly (readonly [string, (parts: Parts) => Promise<string>])[] = [
    ["what it needs", ({ key, good }) => sign(key, good)],
    ["an RSA signature", ({ rsa, good }) => sign(rsa, good)],
    ["its only audience in a list", ({ key, good }) => sign(key, { ...good, aud: ["tokens"] })],
    ["the type JWT", ({ key, good }) => sign(key, good, { typ: "JWT" })],
    ["the type of an access token", ({ key, good }) => sign(key, good, { typ: "at+jwt" })],
    [
      "a beginning that other clocks have reached",
      ({ key, good }) => sign(key, { ...good, nbf: seconds + 50, iat: seconds + 50 }),
    ],
    ["no beginning", ({ key, good }) => sign(key, without(good, "nbf"))],
    ["an hour of age", ({ key, good }) => sign(key, { ...good, iat: seconds - 3_600 })],
    [
      "the address of keys beside what is known",
      ({ key, good, canary }) => sign(key, good, { jku: canary, x5u: canary }),
    ],
  ];

  test.each(good)("%s", async (_, make) => {
    const { parts, canary, who } = await open();
    expect((await who(`Bearer ${await make(parts)}`)).name).toBe("ci");
    expect(canary.connections()).toBe(0);
  });
});

test("nothing of a token or its issuer's words is logged", async () => {
  const { parts, refusal, world } = await open();
  const token = await sign(parts.attacker, { ...parts.good, sub: "canary" });
  await refusal(`Bearer ${token}`);
  expect(world.lines.join("\n")).not.toContain("canary");
  expect(world.lines.join("\n")).not.toContain(token.slice(0, 12));
});
