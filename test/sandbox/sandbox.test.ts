import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGate, until } from "../../rig/gate.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { call, follow, postForm, type Reply, sendJson, text } from "./plain-client.ts";

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox({ autoApprove: true, baseUrl: "http://localhost:9999" });
});
afterEach(() => sandbox.close());

async function connectSlack(): Promise<string> {
  const { registration, url } = sandbox.slack;
  const query = new URLSearchParams({ client_id: registration.clientId, scope: "chat:write", state: "s1" });
  const code = (await follow(`${url}/oauth/v2/authorize?${query}`)).get("code") ?? "";
  return text(await slackToken({ code }), "refresh_token");
}

function slackToken(fields: Record<string, string>): Promise<Reply> {
  const { clientId, clientSecret } = sandbox.slack.registration;
  const client = { client_id: clientId, client_secret: clientSecret };
  return postForm(`${sandbox.slack.url}/api/oauth.v2.access`, { ...client, ...fields });
}

const refreshSlack = (token: string) => slackToken({ grant_type: "refresh_token", refresh_token: token });

test("the environment names every setting of the platforms, and callbacks follow the service's address", async () => {
  expect(Object.keys(sandbox.environment).sort()).toMatchInlineSnapshot(`
    [
      "ATLASSIAN_API_URL",
      "ATLASSIAN_AUTH_URL",
      "CONFLUENCE_SCOPES",
      "GITHUB_API_URL",
      "GITHUB_APP_ID",
      "GITHUB_APP_NAME",
      "GITHUB_CLIENT_ID",
      "GITHUB_CLIENT_SECRET",
      "GITHUB_OAUTH_CLIENT_ID",
      "GITHUB_OAUTH_CLIENT_SECRET",
      "GITHUB_OAUTH_SCOPES",
      "GITHUB_PRIVATE_KEY",
      "GITHUB_URL",
      "GITHUB_WEBHOOK_SECRET",
      "JIRA_CLIENT_ID",
      "JIRA_CLIENT_SECRET",
      "JIRA_SCOPES",
      "SENTRY_CLIENT_ID",
      "SENTRY_CLIENT_SECRET",
      "SENTRY_INTEGRATION_SLUG",
      "SENTRY_URL",
      "SLACK_CLIENT_ID",
      "SLACK_CLIENT_SECRET",
      "SLACK_SCOPES",
      "SLACK_SIGNING_SECRET",
      "SLACK_URL",
      "SLACK_USER_SCOPES",
    ]
  `);
  expect(sandbox.environment.GITHUB_PRIVATE_KEY).toContain("BEGIN RSA PRIVATE KEY");
  const install = `${sandbox.environment.GITHUB_URL}/apps/${sandbox.environment.GITHUB_APP_NAME}/installations/new`;
  const response = await fetch(install, { redirect: "manual" });
  expect(response.headers.get("location")).toContain("http://localhost:9999/oauth/callback/github?");
});

test("a route nobody added is answered 501 and noted", async () => {
  const { apiUrl, controls, faults } = sandbox.github;
  expect((await call(`${apiUrl}/repos/acme/api?token=secret`)).status).toBe(501);
  expect(faults).toMatchObject([{ method: "GET", path: "/api/v3/repos/acme/api" }]);
  expect(controls.tokenCalls).toBe(0);
});

test("calls are remembered with the fingerprint of the refresh token and without the token", async () => {
  const token = await connectSlack();
  await refreshSlack(token);
  const grant = createHash("sha256").update(token).digest("hex");
  expect(sandbox.slack.calls.at(-1)).toMatchObject({ method: "POST", path: "/api/oauth.v2.access", grant });
  expect(JSON.stringify(sandbox.slack.calls)).not.toContain(token);
});

test("a gate holds answers, and simultaneous uses of one refresh token are counted", async () => {
  const token = await connectSlack();
  const gate = createGate();
  sandbox.slack.controls.beforeTokenAnswer = () => gate.opened;
  const all = [refreshSlack(token), refreshSlack(token), refreshSlack(token)];
  await until(() => sandbox.slack.controls.refreshCalls === 3, "three refreshes arrive");
  gate.open();
  await Promise.all(all);
  await refreshSlack(token);
  expect(sandbox.slack.controls.maxConcurrentUsesOfOneRefreshToken).toBe(3);
});

test("the token endpoint fails as told: before the work, after it, or with an answer of somebody else's", async () => {
  const { controls, calls } = sandbox.slack;
  const token = await connectSlack();
  controls.fail("reset");
  await expect(refreshSlack(token)).rejects.toThrow();
  controls.fail("lost");
  await expect(refreshSlack(token)).rejects.toThrow();
  controls.fail({ status: 503, headers: { "retry-after": "7" } }, 2);
  const [first, second] = [await refreshSlack(token), await refreshSlack(token)];
  expect([first.status, second.headers.get("retry-after")]).toEqual([503, "7"]);
  expect((await refreshSlack(token)).body).toMatchObject({ ok: true });
  // The page, the exchange and five refreshes.
  expect(calls).toHaveLength(7);
});

test("a lost answer has done its work, a reset one has not", async () => {
  const { url, registration, controls, apiUrl } = sandbox.atlassian;
  const query = new URLSearchParams({
    audience: "api.atlassian.com",
    client_id: registration.clientId,
    scope: "read:me offline_access",
    redirect_uri: registration.callbackUrls[0] ?? "",
    response_type: "code",
    prompt: "consent",
    state: "s1",
  });
  const code = (await follow(`${url}/authorize?${query}`)).get("code") ?? "";
  const exchange = () =>
    sendJson("POST", `${url}/oauth/token`, {
      grant_type: "authorization_code",
      client_id: registration.clientId,
      client_secret: registration.clientSecret,
      code,
      redirect_uri: registration.callbackUrls[0],
    });
  controls.fail("reset");
  await expect(exchange()).rejects.toThrow();
  controls.fail("lost");
  await expect(exchange()).rejects.toThrow();
  expect((await exchange()).status).toBe(403);
  expect((await call(`${apiUrl}/me`)).status).toBe(401);
});

test("an answer that hangs ends when the client gives up, and closing does not wait for it", async () => {
  const token = await connectSlack();
  sandbox.slack.controls.fail("hang", 2);
  const { clientId, clientSecret } = sandbox.slack.registration;
  const body = new URLSearchParams({
    client_id: clientId,
    client_secret: clientSecret,
    grant_type: "refresh_token",
    refresh_token: token,
  });
  const abort = new AbortController();
  const given = call(`${sandbox.slack.url}/api/oauth.v2.access`, { method: "POST", body, signal: abort.signal });
  await until(() => sandbox.slack.controls.refreshCalls === 1, "the request arrives");
  abort.abort();
  await expect(given).rejects.toThrow();
  const left = refreshSlack(token);
  await until(() => sandbox.slack.controls.refreshCalls === 2, "the second request arrives");
  await Promise.all([sandbox.close(), expect(left).rejects.toThrow()]);
});

test("revoking everything ends the grant at the platform", async () => {
  const token = await connectSlack();
  sandbox.slack.controls.revokeEverything();
  expect(text(await refreshSlack(token), "error")).toBe("invalid_refresh_token");
});
