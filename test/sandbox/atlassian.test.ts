import { createHash } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { type AtlassianOptions, type AtlassianSandbox, startAtlassian } from "../../sandbox/atlassian/atlassian.ts";
import { defaultSites } from "../../sandbox/atlassian/people.ts";
import { follow, get, postForm, press, type Reply, sendJson, text, visit } from "./plain-client.ts";

let atlassian: AtlassianSandbox;
const clock = createClock();
const verifier = "v".repeat(43);
const challenge = createHash("sha256").update(verifier).digest("base64url");
const jiraScopes = "read:jira-work read:jira-user read:me offline_access";

async function start(options: AtlassianOptions = {}) {
  atlassian = await startAtlassian({ autoApprove: true, now: clock.now, ...options });
}
afterEach(() => atlassian.close());

const callbackUrl = () => atlassian.registration.callbackUrls[0] ?? "";

function authorizeUrl(changes: Record<string, string> = {}) {
  return `${atlassian.url}/authorize?${new URLSearchParams({
    audience: "api.atlassian.com",
    client_id: atlassian.registration.clientId,
    scope: jiraScopes,
    redirect_uri: callbackUrl(),
    state: "s1",
    response_type: "code",
    prompt: "consent",
    ...changes,
  })}`;
}

function token(fields: Record<string, string>): Promise<Reply> {
  const { clientId, clientSecret } = atlassian.registration;
  return sendJson("POST", `${atlassian.url}/oauth/token`, {
    client_id: clientId,
    client_secret: clientSecret,
    ...fields,
  });
}

async function exchange(changes: Record<string, string> = {}, request: Record<string, string> = {}): Promise<Reply> {
  const code = (await follow(authorizeUrl(request))).get("code") ?? "";
  return token({ grant_type: "authorization_code", code, redirect_uri: callbackUrl(), ...changes });
}

const refresh = (refreshToken: string) => token({ grant_type: "refresh_token", refresh_token: refreshToken });
const dead = {
  status: 403,
  body: { error: "invalid_grant", error_description: "Unknown or invalid refresh token." },
};

test("a code gives a long token, a refresh token and space separated scopes", async () => {
  await start();
  const callback = await follow(authorizeUrl());
  expect([...callback.keys()].sort()).toEqual(["code", "state"]);
  const reply = await exchange();
  expect(reply).toMatchObject({ status: 200, body: { expires_in: 3600, token_type: "Bearer", scope: jiraScopes } });
  expect(text(reply, "access_token")).toHaveLength(2000);
  expect(await get(`${atlassian.apiUrl}/me`, text(reply, "access_token"))).toMatchObject({
    status: 200,
    body: { account_id: "5b10ac8d82e05b22cc7d4ef5" },
  });
  expect((await exchange({}, { scope: "read:jira-work" })).body).not.toHaveProperty("refresh_token");
  expect(atlassian.faults).toEqual([]);
});

test("a site is listed once for each product that the scopes reach", async () => {
  await start({ accessToken: { format: "opaque", length: 300 } });
  const both = "read:jira-user read:confluence-user";
  const accessToken = text(await exchange({}, { scope: both }), "access_token");
  const { body } = await get(`${atlassian.apiUrl}/oauth/token/accessible-resources`, accessToken);
  expect(body).toMatchObject([
    { name: "acme", scopes: ["read:jira-user"] },
    { name: "acme", scopes: ["read:confluence-user"] },
    { name: "globex", scopes: ["read:jira-user"] },
  ]);
  const id = defaultSites[0]?.id;
  const paths = [
    `/ex/jira/${id}/rest/api/3/myself`,
    `/ex/confluence/${id}/wiki/rest/api/user/current`,
    "/ex/jira/elsewhere/rest/api/3/myself",
    "/me",
  ];
  const statuses = paths.map(async (path) => (await get(atlassian.apiUrl + path, accessToken)).status);
  expect(await Promise.all(statuses)).toEqual([200, 200, 404, 401]);
  expect((await get(`${atlassian.apiUrl}/oauth/token/accessible-resources`, "made-up")).status).toBe(401);
});

test("a challenge has to be answered by its verifier, and none means none", async () => {
  await start();
  const withChallenge = { code_challenge: challenge, code_challenge_method: "S256" };
  const replies = [
    await exchange({ code_verifier: verifier }, withChallenge),
    await exchange({ code_verifier: "w".repeat(43) }, withChallenge),
    await exchange({}, withChallenge),
    await exchange({ code_verifier: verifier }),
  ];
  expect(replies.map(({ status }) => status)).toEqual([200, 403, 403, 403]);
});

test("a code works once, for ten minutes, and only with its redirect_uri", async () => {
  await start();
  const code = (await follow(authorizeUrl())).get("code") ?? "";
  const fields = { grant_type: "authorization_code", code, redirect_uri: callbackUrl() };
  expect((await token({ ...fields, redirect_uri: "http://localhost:1/x" })).status).toBe(403);
  expect((await token({ grant_type: "authorization_code", code })).status).toBe(400);
  expect((await token(fields)).status).toBe(200);
  expect((await token(fields)).status).toBe(403);
  const late = (await follow(authorizeUrl())).get("code") ?? "";
  clock.advance(600_000);
  expect((await token({ ...fields, code: late })).status).toBe(403);
});

test("a wrong secret is 401 and costs nothing, and a form is not read", async () => {
  await start();
  const first = text(await exchange(), "refresh_token");
  const fields = { grant_type: "refresh_token", refresh_token: first };
  expect(await token({ ...fields, client_secret: "wrong" })).toMatchObject({
    status: 401,
    body: { error: "invalid_client" },
  });
  const { clientId, clientSecret } = atlassian.registration;
  const form = { ...fields, client_id: clientId, client_secret: clientSecret };
  expect((await postForm(`${atlassian.url}/oauth/token`, form)).status).toBe(400);
  atlassian.controls.rotateClientSecret();
  expect((await token(fields)).status).toBe(200);
  expect((await token({ ...fields, client_secret: clientSecret })).status).toBe(401);
});

test("a spent refresh token works within the leeway and ends the whole grant after it", async () => {
  await start();
  const spent = text(await exchange(), "refresh_token");
  await refresh(spent);
  clock.advance(599_000);
  const rescued = await refresh(spent);
  expect(rescued.status).toBe(200);
  clock.advance(2_000);
  expect(await refresh(spent)).toMatchObject(dead);
  expect(await refresh(text(rescued, "refresh_token"))).toMatchObject(dead);
  expect((await get(`${atlassian.apiUrl}/me`, text(rescued, "access_token"))).status).toBe(401);
  expect(atlassian.controls.deadTokenReuses).toBe(2);
});

test("without leeway, of two refreshes at once one wins and then both are lost", async () => {
  await start({ lifetimes: { leewaySeconds: 0 } });
  const once = text(await exchange(), "refresh_token");
  const replies = await Promise.all([refresh(once), refresh(once)]);
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 403]);
  const winner = replies.find(({ status }) => status === 200);
  expect(await refresh(winner ? text(winner, "refresh_token") : "")).toMatchObject(dead);
  expect(atlassian.controls.maxConcurrentUsesOfOneRefreshToken).toBe(2);
});

test("a refresh token dies after 90 idle days, an access token after an hour", async () => {
  await start();
  const first = await exchange();
  clock.advance(3_600_000);
  expect((await get(`${atlassian.apiUrl}/me`, text(first, "access_token"))).status).toBe(401);
  clock.advance(89 * 86_400_000);
  const second = await refresh(text(first, "refresh_token"));
  expect(second.status).toBe(200);
  clock.advance(90 * 86_400_000);
  expect(await refresh(text(second, "refresh_token"))).toMatchObject(dead);
});

test("revoking a refresh token ends its grant", async () => {
  await start();
  const reply = await exchange();
  const { clientId, clientSecret } = atlassian.registration;
  const client = { client_id: clientId, client_secret: clientSecret };
  const revoked = await postForm(`${atlassian.url}/oauth/revoke`, { ...client, token: text(reply, "refresh_token") });
  expect(revoked.status).toBe(200);
  expect(await refresh(text(reply, "refresh_token"))).toMatchObject(dead);
  expect((await get(`${atlassian.apiUrl}/me`, text(reply, "access_token"))).status).toBe(401);
});

test.each([
  ["another client", { client_id: "somebody" }],
  ["a redirect_uri that is not registered", { redirect_uri: "http://localhost:1/x" }],
  ["no audience", { audience: "" }],
  ["no prompt", { prompt: "" }],
  ["scopes separated by commas", { scope: "read:jira-work,read:me" }],
])("the authorize page refuses %s without a callback", async (_what, change) => {
  await start();
  expect(await visit(authorizeUrl(change))).toMatchObject({ status: 400, next: undefined });
  expect(atlassian.faults).toHaveLength(1);
});

test("a person decides on a page, and a plain challenge is refused behind it", async () => {
  await start({ autoApprove: false });
  const page = await visit(authorizeUrl({ code_challenge: verifier, code_challenge_method: "plain" }));
  const approved = await press(atlassian.url, page.html, "approve");
  expect(approved.next?.searchParams.get("error")).toBe("invalid_request");
  const again = await visit(authorizeUrl());
  const denied = await press(atlassian.url, again.html, "deny");
  expect(Object.fromEntries(denied.next?.searchParams ?? [])).toMatchObject({ error: "access_denied", state: "s1" });
});
