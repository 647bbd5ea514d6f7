import { createHmac, generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { jiraDelivery, webhookToken } from "../../../rig/signed-deliveries.ts";
import { createJiraWebhooks } from "../../../src/platforms/atlassian/webhooks.ts";
import { Secret } from "../../../src/secret.ts";
import { deliveryRequest, flipped } from "../support/delivery-request.ts";

const webhooks = createJiraWebhooks({ webhookSecrets: [new Secret("new secret"), new Secret("old secret")] });
const now = new Date("2026-03-01T12:00:00Z");
const at = Math.floor(now.getTime() / 1000);
const hs256 = { alg: "HS256", typ: "JWT" };
const claims = { iss: "jira", iat: at, exp: at + 900 };
const payload = {
  timestamp: 1_772_366_400_000,
  webhookEvent: "jira:issue_created",
  matchedWebhookIds: [1000, 1001],
  issue: { self: "https://acme.atlassian.net/rest/api/2/issue/10000" },
};

function verify(authorization: string | undefined, by = webhooks) {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  return by.verify(deliveryRequest({ headers, body: "{}" }, now));
}

describe("the token beside what Jira sends", () => {
  test.each(["new secret", "old secret"])("is believed under the %s", (secret) => {
    const token = webhookToken(secret, hs256, claims);
    for (const scheme of ["Bearer", "JWT", "bearer"]) expect(verify(`${scheme} ${token}`)).toEqual({ kind: "genuine" });
  });

  test("is what the token of others' libraries is", async () => {
    const token = await new SignJWT({ context: {} })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuedAt(at)
      .setExpirationTime(at + 900)
      .sign(Buffer.from("new secret"));
    expect(verify(`Bearer ${token}`)).toEqual({ kind: "genuine" });
    const vector =
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJ0ZXN0IiwiaWF0IjoxNzUwMDAwMDAwLCJleHAiOjE3NTAwMDA5MDB9.mqG8rcar-m-yRRFT-0Why4IwYdYB3lS23YDGW3XQCBM";
    const documented = createJiraWebhooks({ webhookSecrets: [new Secret("jira-client-secret")] });
    const headers = { authorization: `Bearer ${vector}` };
    const verdict = documented.verify(deliveryRequest({ headers, body: "{}" }, new Date(1_750_000_100_000)));
    expect(verdict).toEqual({ kind: "genuine" });
  });

  test("may not say how it is to be verified", () => {
    const [header = "", body = ""] = webhookToken("new secret", hs256, claims).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    const hs512 = createHmac("sha512", "new secret").update(`${header}.${body}`).digest("base64url");
    const tokens = [
      `${none}.${body}.`,
      `${none}.${body}.AAAA`,
      webhookToken("new secret", { alg: "none" }, claims),
      webhookToken("new secret", { alg: "HS512" }, claims),
      webhookToken("new secret", { alg: "hs256" }, claims),
      webhookToken("new secret", { ...hs256, crit: ["b64"], b64: false }, claims),
      webhookToken("new secret", {}, claims),
      webhookToken(pem, { alg: "RS256" }, claims),
      `${header}.${body}.${hs512}`,
      `${header}.${body}.`,
      `${header}.${body}`,
      webhookToken("another secret", hs256, claims),
      webhookToken("", hs256, claims),
    ];
    for (const token of tokens) expect([token, verify(`Bearer ${token}`).kind]).toEqual([token, "refused"]);
    expect(privateKey.asymmetricKeyType).toBe("rsa");
    const open = createJiraWebhooks({ webhookSecrets: [] });
    expect(verify(`Bearer ${webhookToken("", hs256, claims)}`, open).kind).toBe("refused");
  });

  test("is not what one bit makes of it", () => {
    const token = webhookToken("new secret", hs256, claims);
    for (let bit = 0; bit < token.length * 8; bit++) {
      const text = flipped(token, bit).toString("latin1");
      expect([text, verify(`Bearer ${text}`).kind]).toEqual([text, "refused"]);
    }
  });

  test.each([
    ["expired", { iat: at - 1000, exp: at - 61 }],
    ["without an end", { iat: at }],
    ["with an end that is no number", { iat: at, exp: "soon" }],
    ["not valid yet", { iat: at, nbf: at + 61, exp: at + 900 }],
    ["from the future", { iat: at + 61, exp: at + 900 }],
  ])("is not believed if it is %s", (_what, said) => {
    expect(verify(`Bearer ${webhookToken("new secret", hs256, said)}`)).toEqual({ kind: "refused", code: "stale" });
  });

  test.each([undefined, "", "Bearer", "Basic abc", "Bearer a.b", "Bearer a.b.c.d"])("is missing in %j", (header) => {
    expect(verify(header)).toEqual({ kind: "refused", code: "no_signature" });
  });
});

describe("what is read of a delivery", () => {
  const read = (body: object, sentAt = now) =>
    webhooks.read(deliveryRequest(jiraDelivery("new secret", body, sentAt), now));
  const idOf = (found: ReturnType<typeof read>) => (found.kind === "event" ? found.event.deliveryId : undefined);

  test("is the site and the webhooks that it was sent for", () => {
    expect(read(payload)).toMatchObject({
      event: {
        event: "jira:issue_created",
        about: { siteHost: "acme.atlassian.net", webhookIds: ["1000", "1001"] },
        happenedAt: new Date(1_772_366_400_000),
        news: undefined,
      },
    });
    const self = "https://api.atlassian.com/ex/jira/1324a887-45db/rest/api/2/comment/1";
    expect(read({ webhookEvent: "comment_created", comment: { self } })).toMatchObject({
      event: { about: { externalOrgId: "1324a887-45db", webhookIds: [] } },
    });
    expect(read({ webhookEvent: "x", issue: { self: "no address" } })).toMatchObject({ event: { event: "x" } });
  });

  test("is named by its body and its token's time", () => {
    const id = idOf(read(payload));
    expect(id).toMatch(/^[\da-f]{64}$/);
    expect(idOf(read(payload))).toBe(id);
    expect(idOf(read({ ...payload, timestamp: 1 }))).not.toBe(id);
    expect(idOf(read(payload, new Date(now.getTime() + 1000)))).not.toBe(id);
  });
});
