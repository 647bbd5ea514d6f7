import { afterEach, expect, test } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { type SlackOptions, type SlackSandbox, startSlack } from "../../sandbox/slack/slack.ts";
import { basic, call, follow, postForm, type Reply, sendJson, text, visit } from "./plain-client.ts";

let slack: SlackSandbox;
const clock = createClock();

async function start(options: SlackOptions = {}) {
  slack = await startSlack({ autoApprove: true, now: clock.now, ...options });
}
afterEach(() => slack.close());

const callbackUrl = () => slack.registration.redirectUrls[0] ?? "";
const accessUrl = () => `${slack.url}/api/oauth.v2.access`;
const credentials = () => basic(slack.registration.clientId, slack.registration.clientSecret);

function authorizeUrl(changes: Record<string, string> = {}) {
  return `${slack.url}/oauth/v2/authorize?${new URLSearchParams({
    client_id: slack.registration.clientId,
    scope: "chat:write,users:read",
    user_scope: "search:read",
    redirect_uri: callbackUrl(),
    state: "s1",
    ...changes,
  })}`;
}

async function exchange(changes: Record<string, string> = {}): Promise<Reply> {
  const code = (await follow(authorizeUrl())).get("code") ?? "";
  return postForm(accessUrl(), { code, redirect_uri: callbackUrl(), ...changes }, credentials());
}

function refresh(refreshToken: string): Promise<Reply> {
  return postForm(accessUrl(), { grant_type: "refresh_token", refresh_token: refreshToken }, credentials());
}

function method(name: string, token: string, fields: Record<string, string> = {}): Promise<Reply> {
  return postForm(`${slack.url}/api/${name}`, fields, { authorization: `Bearer ${token}` });
}

test("an installation gives a bot and a person's pair, told apart and refreshed apart", async () => {
  await start();
  const installed = await exchange();
  expect(installed.body).toMatchObject({
    ok: true,
    token_type: "bot",
    scope: "chat:write,users:read",
    expires_in: 43_200,
    team: { id: "T0ACME001" },
    enterprise: null,
    is_enterprise_install: false,
    authed_user: { id: "U0ALICE01", scope: "search:read", token_type: "user" },
  });
  const refreshed = await refresh(text(installed, "refresh_token"));
  expect(refreshed.body).toMatchObject({ ok: true, token_type: "bot", scope: "chat:write,users:read" });
  expect((await method("auth.test", text(refreshed, "access_token"))).headers.get("x-oauth-scopes")).toBe(
    "chat:write,users:read",
  );
  expect(slack.faults).toEqual([]);
});

test("without rotation tokens last, and an organization has no team", async () => {
  await start({ installedOn: "org", registration: { rotation: false } });
  const installed = await exchange();
  expect(installed.body).not.toHaveProperty("expires_in");
  expect(installed.body).not.toHaveProperty("refresh_token");
  expect(installed.body).toMatchObject({ team: null, enterprise: { id: "E0HOLDING" }, is_enterprise_install: true });
  const token = text(installed, "access_token");
  expect(token).toMatch(/^xoxb-/);
  clock.advance(365 * 86_400_000);
  expect((await method("auth.test", token)).body).toMatchObject({ ok: true, bot_id: expect.any(String) });
});

test.each([
  ["a made-up code", { code: "made up" }, "invalid_code"],
  ["another redirect_uri", { redirect_uri: "http://localhost:8010/oauth/callback/slack/x" }, "bad_redirect_uri"],
  ["a verifier", { code_verifier: "v".repeat(43) }, "pkce_not_allowed"],
  ["another grant type", { grant_type: "password" }, "invalid_grant_type"],
])("an exchange with %s is refused inside a 200", async (_what, change, error) => {
  await start();
  expect(await exchange(change)).toMatchObject({ status: 200, body: { ok: false, error } });
});

test("a code works once and for ten minutes, for the right client, in a form", async () => {
  await start();
  const code = async () => (await follow(authorizeUrl())).get("code") ?? "";
  const fields = { code: await code(), redirect_uri: callbackUrl() };
  const wrongSecret = basic(slack.registration.clientId, "wrong");
  expect(text(await postForm(accessUrl(), fields, wrongSecret), "error")).toBe("bad_client_secret");
  expect(text(await postForm(accessUrl(), fields), "error")).toBe("invalid_client_id");
  expect(text(await sendJson("POST", accessUrl(), fields, credentials()), "error")).toBe("invalid_arguments");
  const { clientId, clientSecret } = slack.registration;
  const inBody = { ...fields, client_id: clientId, client_secret: clientSecret };
  expect((await postForm(accessUrl(), inBody)).body).toMatchObject({ ok: true });
  expect(text(await postForm(accessUrl(), inBody), "error")).toBe("invalid_code");
  const old = await code();
  clock.advance(600_000);
  expect(text(await postForm(accessUrl(), { ...inBody, code: old }), "error")).toBe("invalid_code");
});

test("a spent refresh token works within the grace only", async () => {
  await start({ lifetimes: { graceSeconds: 30 } });
  const spent = text(await exchange(), "refresh_token");
  await refresh(spent);
  clock.advance(29_000);
  expect((await refresh(spent)).body).toMatchObject({ ok: true });
  clock.advance(2_000);
  expect(await refresh(spent)).toMatchObject({ status: 200, body: { ok: false, error: "invalid_refresh_token" } });
  expect(slack.controls).toMatchObject({ refreshCalls: 3, deadTokenReuses: 1 });
});

test("a refresh leaves the last two access tokens alive", async () => {
  await start();
  const first = await exchange();
  const second = await refresh(text(first, "refresh_token"));
  const isOk = async (reply: Reply) => (await method("auth.test", text(reply, "access_token"))).body;
  expect(await isOk(first)).toMatchObject({ ok: true });
  const third = await refresh(text(second, "refresh_token"));
  expect(await isOk(first)).toMatchObject({ ok: false, error: "token_revoked" });
  expect(await isOk(second)).toMatchObject({ ok: true });
  clock.advance(43_200_000);
  expect(await isOk(third)).toMatchObject({ ok: false, error: "token_expired" });
  expect((await refresh(text(third, "refresh_token"))).body).toMatchObject({ ok: true });
});

test("revoking ends one rotating token, uninstalling ends all of them", async () => {
  await start();
  const installed = await exchange();
  const bot = text(installed, "access_token");
  expect((await method("auth.revoke", text(installed, "refresh_token"))).body).toEqual({ ok: true, revoked: true });
  expect(text(await refresh(text(installed, "refresh_token")), "error")).toBe("invalid_refresh_token");
  expect((await method("auth.test", bot)).body).toMatchObject({ ok: true });
  const { clientId, clientSecret } = slack.registration;
  const wrong = { client_id: clientId, client_secret: "wrong" };
  expect(text(await method("apps.uninstall", bot, wrong), "error")).toBe("bad_client_secret");
  const right = { client_id: clientId, client_secret: clientSecret };
  expect((await method("apps.uninstall", bot, right)).body).toEqual({ ok: true });
  expect(text(await method("auth.test", bot), "error")).toBe("account_inactive");
});

test("auth.test tells a missing token from a wrong one", async () => {
  await start();
  expect(text(await call(`${slack.url}/api/auth.test`, { method: "POST" }), "error")).toBe("not_authed");
  expect(text(await method("auth.test", "xoxb-made-up"), "error")).toBe("invalid_auth");
});

test.each([
  ["another client", { client_id: "somebody" }],
  ["a redirect_uri beside the registered one", { redirect_uri: "http://localhost:8010/oauth/callback/slackers" }],
  ["scopes separated by spaces", { scope: "chat:write users:read" }],
  ["no scopes", { scope: "", user_scope: "" }],
])("the authorize page refuses %s without a callback", async (_what, change) => {
  await start();
  expect(await visit(authorizeUrl(change))).toMatchObject({ status: 400, next: undefined });
  expect(slack.faults).toHaveLength(1);
});

test("a person who declines comes back with access_denied", async () => {
  await start();
  slack.controls.setDecision("deny");
  expect(Object.fromEntries(await follow(authorizeUrl()))).toEqual({ error: "access_denied", state: "s1" });
});
