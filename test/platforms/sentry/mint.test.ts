import { describe, expect, test } from "vitest";
import { mintSentryToken } from "../../../src/platforms/sentry/mint.ts";
import { Secret } from "../../../src/secret.ts";
import { claimsOf, granted, type Scripted, scripted, sentAt, sentryDate, uuid } from "./support.ts";

const credential = { subject: uuid, refreshToken: new Secret("old") };
const authorizations = `https://sentry.io/api/0/sentry-app-installations/${uuid}/authorizations/`;

async function mint(...answers: readonly Scripted[]) {
  const { client, sent } = scripted(...answers);
  return { outcome: await mintSentryToken(client, credential), sent };
}

const detail = (status: number, sentence: string): Scripted => [status, { detail: sentence }];
const off = detail(403, "Manual token refresh is not enabled for this organization");
const gone = detail(404, "Could not find given sentry app installation");
const ok: Scripted = [201, granted];

test("asks in the app's own name first, and sends no secret with it", async () => {
  const { outcome, sent } = await mint(ok);
  expect(sent).toMatchObject([{ method: "POST", url: authorizations }]);
  expect(sent[0]?.body).toEqual({ grant_type: "urn:sentry:params:oauth:grant-type:jwt-bearer" });
  expect(sent[0]?.headers.get("content-type")).toBe("application/json");
  const claims = claimsOf(sent[0]!.headers.get("authorization"));
  const now = Math.floor(sentAt.getTime() / 1000);
  expect(claims).toEqual({ iss: "client", sub: "client", iat: now - 60, exp: now + 120, jti: expect.any(String) });
  if (outcome.kind !== "minted") throw new Error(outcome.kind);
  const { token, refreshToken, scopes } = outcome.tokens;
  expect([token.value.reveal(), refreshToken?.reveal(), scopes]).toEqual(["ec48bf98", "c866f154", granted.scopes]);
  // Its end less its own Date, counted from when it was asked for.
  expect(token.expiresAt).toEqual(new Date(sentAt.getTime() + 28_799_000));
});

test("makes a new JWT for every request", async () => {
  const ids = await Promise.all([mint(ok), mint(ok)]).then((all) =>
    all.map(({ sent }) => claimsOf(sent[0]!.headers.get("authorization")).jti),
  );
  expect(new Set(ids).size).toBe(2);
});

test("asks once more by Sentry's clock where ours explains that it was not believed", async () => {
  const { outcome, sent } = await mint(detail(401, "Could not validate JWT"), ok);
  expect(outcome.kind).toBe("minted");
  expect(claimsOf(sent[1]!.headers.get("authorization")).iat).toBe(sentryDate.getTime() / 1000 - 60);
  const right = { date: sentAt.toUTCString() };
  const same = await mint([401, { detail: "Could not validate JWT" }, right], ok);
  expect(same.sent[1]?.body).toMatchObject({ grant_type: "refresh_token" });
});

describe("spends the refresh token where the app's own word is not taken", () => {
  test.each<readonly [string, Scripted]>([
    ["switched off", off],
    ["unknown to an older server", [403, { error: "Invalid grant_type" }]],
    ["asked for by an older server's client check", [401, { detail: "Invalid request" }]],
    ["asked for by an older server's client check, differently", detail(401, "Invalid Client ID / Secret pair")],
    ["taken away by a proxy", detail(401, "Header is in invalid form")],
    ["of use to nothing yet", detail(401, "Installation does not have a token")],
    ["refused in words that nobody knows", detail(401, "No.")],
  ])("%s", async (_why, refusal) => {
    const { outcome, sent } = await mint(refusal, ok);
    expect(outcome.kind).toBe("minted");
    expect(sent).toHaveLength(2);
    expect(sent[1]).toMatchObject({
      url: authorizations,
      body: { grant_type: "refresh_token", refresh_token: "old", client_id: "client", client_secret: "secret" },
    });
    expect(sent[1]?.headers.get("authorization")).toBeNull();
  });

  test.each<readonly [string, Scripted]>([
    ["a JWT that came twice", detail(401, "JWT has already been used")],
    ["a refresh under way", detail(409, "Token refresh already in progress")],
    ["one that was made meanwhile", detail(409, "Token was already refreshed")],
    ["trouble of Sentry's", [500, { detail: "Something went wrong during the custom integration process!" }]],
    ["a page of somebody else's", [404, "<html>not found</html>"]],
    ["a refusal of somebody else's", [403, "<html>forbidden</html>"]],
    ["a connection that ends", { error: "ECONNRESET" }],
  ])("but not after %s: it may be spent", async (_what, answer) => {
    const { outcome, sent } = await mint(answer, ok);
    expect(outcome).toMatchObject({ kind: "unavailable", mayHaveBeenProcessed: true });
    expect(sent).toHaveLength(1);
  });
});

describe("what the refresh token is told", () => {
  const dead = detail(401, "Given refresh token does not exist");

  test.each<readonly [string, Scripted, Scripted, object]>([
    ["ends the grant where nothing else helps", off, dead, { kind: "rejected", code: "refresh_token_unknown" }],
    ["with any status", off, detail(400, "Given refresh token does not exist"), { kind: "rejected" }],
    ["in an older server's form", off, [403, { error: "Given refresh token does not exist" }], { kind: "rejected" }],
    [
      "if it is another application's",
      off,
      detail(400, "Token does not belong to the application"),
      { kind: "rejected" },
    ],
    ["not where the own word may have done it", detail(401, "No."), dead, { kind: "unavailable" }],
    [
      "not where only the JWT was wrong",
      detail(401, "JWT is not valid for this application"),
      dead,
      { kind: "unavailable" },
    ],
    ["of our client is our trouble", off, detail(401, "Invalid Client ID / Secret pair"), { kind: "misconfigured" }],
    ["of our application as well", off, detail(401, "Application is not active"), { kind: "misconfigured" }],
    ["of the installation, twice, is its end", detail(401, "Installation not found"), gone, removed()],
    ["of the installation by a server without JWTs as well", [403, { error: "Invalid request" }], gone, removed()],
    ["of the installation by a much older one", off, detail(404, "Not found."), removed()],
    ["of the installation against the own word is nothing", detail(401, "No."), gone, { kind: "unavailable" }],
    ["by a page is nothing", off, [404, "<html>"], { kind: "unavailable" }],
    ["in new words is nothing", off, detail(401, "Gone fishing"), { kind: "unavailable", cause: "http_401" }],
    [
      "after it was sent may be lost",
      off,
      { error: "ECONNRESET" },
      { kind: "unavailable", mayHaveBeenProcessed: true },
    ],
  ])("%s", async (_what, own, answer, expected) => {
    expect((await mint(own, answer)).outcome).toMatchObject(expected);
  });

  test("that the grant has ended says nothing of the installation", async () => {
    expect((await mint(off, dead)).outcome).not.toHaveProperty("uninstalled");
  });
});

function removed() {
  return { kind: "rejected", code: "installation_removed", uninstalled: true };
}

test("a limit ends when Sentry says, by its own clock", async () => {
  const reset = { "x-sentry-rate-limit-reset": String(sentryDate.getTime() / 1000 + 7) };
  expect((await mint([429, { detail: "slow down" }, reset])).outcome).toEqual({
    kind: "rate_limited",
    retryAfterMs: 7_000,
  });
  const after = { "retry-after": "3" };
  expect((await mint([429, "", after])).outcome).toEqual({ kind: "rate_limited", retryAfterMs: 3_000 });
});

test.each([
  ["no end", { ...granted, expiresAt: undefined }, 28_800_000],
  ["nonsense", { ...granted, expiresAt: "soon" }, 28_800_000],
  ["an end that has passed", { ...granted, expiresAt: "2020-01-01T00:00:00Z" }, 28_799_000],
  ["an end far away", { ...granted, expiresAt: "2099-01-01T00:00:00Z" }, 28_799_000],
  ["an hour", { ...granted, expiresAt: "2026-10-10T13:00:00.000Z" }, 3_599_000],
])("a token that names %s is believed for so long as Sentry's live", async (_what, body, lifeMs) => {
  const { outcome } = await mint([201, body]);
  if (outcome.kind !== "minted") throw new Error(outcome.kind);
  expect(outcome.tokens.token.expiresAt).toEqual(new Date(sentAt.getTime() + lifeMs));
});

test.each([[{}], [{ ...granted, token: "" }], ["<html>"], [[]]])(
  "an answer without a token, %j, is none",
  async (body) => {
    expect((await mint([201, body])).outcome).toMatchObject({ kind: "unavailable", cause: "unreadable_body" });
  },
);
