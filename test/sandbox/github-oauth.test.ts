import { createHash } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { type GithubOptions, type GithubSandbox, startGithub } from "../../sandbox/github/github.ts";
import { basic, follow, get, postForm, sendJson, text, visit } from "./plain-client.ts";

let github: GithubSandbox;
const clock = createClock();
const verifier = "v".repeat(43);
const challenge = createHash("sha256").update(verifier).digest("base64url");

async function start(options: GithubOptions = {}) {
  github = await startGithub({ autoApprove: true, now: clock.now, ...options });
}
afterEach(() => github.close());

const callbackUrl = () => github.oauthApp.callbackUrls[0] ?? "";

function authorizeUrl(changes: Record<string, string> = {}) {
  return `${github.url}/login/oauth/authorize?${new URLSearchParams({
    client_id: github.oauthApp.clientId,
    redirect_uri: callbackUrl(),
    scope: "repo read:org offline_access",
    state: "s1",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...changes,
  })}`;
}

async function code(): Promise<string> {
  return (await follow(authorizeUrl())).get("code") ?? "";
}

function token(fields: Record<string, string>, headers: Record<string, string> = { accept: "application/json" }) {
  const { clientId, clientSecret } = github.oauthApp;
  return postForm(
    `${github.url}/login/oauth/access_token`,
    { client_id: clientId, client_secret: clientSecret, ...fields },
    headers,
  );
}

const exchange = async (changes: Record<string, string> = {}) =>
  token({ code: await code(), redirect_uri: callbackUrl(), code_verifier: verifier, ...changes });
const refresh = (refreshToken: string) => token({ grant_type: "refresh_token", refresh_token: refreshToken });

test("a code gives an expiring pair with comma separated scopes, and only once", async () => {
  await start();
  const once = await code();
  const fields = { code: once, redirect_uri: callbackUrl(), code_verifier: verifier };
  const first = await token(fields);
  expect(first).toMatchObject({
    status: 200,
    body: { expires_in: 28_800, refresh_token_expires_in: 15_897_600, scope: "repo,read:org", token_type: "bearer" },
  });
  expect(await get(`${github.apiUrl}/user`, text(first, "access_token"))).toMatchObject({ body: { login: "mona" } });
  expect(await token(fields)).toMatchObject({ status: 200, body: { error: "bad_verification_code" } });
  expect(Date.parse(first.headers.get("date") ?? "") / 1000).toBeCloseTo(clock.now().getTime() / 1000, -1);
});

test("without Accept the answer is form text", async () => {
  await start();
  const reply = await token({ code: "made up" }, {});
  expect(reply.headers.get("content-type")).toContain("x-www-form-urlencoded");
  expect(new URLSearchParams(String(reply.body)).get("error")).toBe("bad_verification_code");
});

test.each([
  ["another verifier", { code_verifier: "w".repeat(43) }, "bad_verification_code"],
  ["another redirect_uri", { redirect_uri: "http://localhost:1/elsewhere" }, "redirect_uri_mismatch"],
  ["another secret", { client_secret: "wrong" }, "incorrect_client_credentials"],
  ["another client", { client_id: "somebody" }, "incorrect_client_credentials"],
  ["another grant type", { grant_type: "password" }, "unsupported_grant_type"],
])("an exchange with %s is refused inside a 200", async (_what, change, error) => {
  await start();
  expect(await exchange(change)).toMatchObject({ status: 200, body: { error } });
});

test("an exchange without the redirect_uri or the verifier that began it is refused", async () => {
  await start();
  const noRedirect = await token({ code: await code(), code_verifier: verifier });
  const noVerifier = await token({ code: await code(), redirect_uri: callbackUrl() });
  expect([text(noRedirect, "error"), text(noVerifier, "error")]).toEqual([
    "redirect_uri_mismatch",
    "bad_verification_code",
  ]);
});

test("a code lives for ten minutes, and a person needs a verified address", async () => {
  await start();
  const old = await code();
  clock.advance(600_000);
  const fields = { redirect_uri: callbackUrl(), code_verifier: verifier };
  expect(text(await token({ code: old, ...fields }), "error")).toBe("bad_verification_code");
  github.controls.signIn("newcomer");
  expect(text(await exchange(), "error")).toBe("unverified_user_email");
});

test("a refresh ends the old pair at once", async () => {
  await start();
  const first = await exchange();
  const second = await refresh(text(first, "refresh_token"));
  expect((await get(`${github.apiUrl}/user`, text(first, "access_token"))).status).toBe(401);
  expect((await get(`${github.apiUrl}/user`, text(second, "access_token"))).status).toBe(200);
  expect(await refresh(text(first, "refresh_token"))).toMatchObject({
    status: 200,
    body: { error: "bad_refresh_token" },
  });
  expect(github.controls).toMatchObject({ refreshCalls: 2, deadTokenReuses: 1 });
  expect((await refresh(text(second, "refresh_token"))).body).toHaveProperty("access_token");
});

test("tokens and refresh tokens end on time, and never without offline_access", async () => {
  await start({ lifetimes: { userTokenSeconds: 60, refreshTokenSeconds: 120 } });
  const expiring = await exchange();
  const lasting = await token({
    code: (await follow(authorizeUrl({ scope: "repo" }))).get("code") ?? "",
    redirect_uri: callbackUrl(),
    code_verifier: verifier,
  });
  expect(lasting.body).not.toHaveProperty("expires_in");
  clock.advance(121_000);
  expect((await get(`${github.apiUrl}/user`, text(expiring, "access_token"))).status).toBe(401);
  expect(text(await refresh(text(expiring, "refresh_token")), "error")).toBe("bad_refresh_token");
  expect((await get(`${github.apiUrl}/user`, text(lasting, "access_token"))).status).toBe(200);
});

test.each([
  ["a redirect_uri that is not registered", { redirect_uri: "http://localhost:1/x" }, "redirect_uri_mismatch"],
  ["a plain challenge", { code_challenge_method: "plain" }, "invalid_request"],
  ["scopes separated by commas", { scope: "repo,gist" }, "invalid_request"],
])("the authorize page refuses %s and notes a fault", async (_what, change, error) => {
  await start();
  const { next } = await visit(authorizeUrl(change));
  expect(next?.href.startsWith(callbackUrl())).toBe(true);
  expect(next?.searchParams.get("error")).toBe(error);
  expect(next?.searchParams.get("state")).toBe("s1");
  expect(github.faults).toHaveLength(1);
});

test("a person who declines comes back with access_denied", async () => {
  await start();
  github.controls.setDecision("deny");
  expect(Object.fromEntries(await follow(authorizeUrl()))).toMatchObject({ error: "access_denied", state: "s1" });
});

test("an app checks and ends a person's token with its own credentials only", async () => {
  await start();
  const accessToken = text(await exchange(), "access_token");
  const { clientId, clientSecret } = github.oauthApp;
  const at = `${github.apiUrl}/applications/${clientId}/token`;
  const body = { access_token: accessToken };
  expect((await sendJson("POST", at, body, basic(clientId, "wrong"))).status).toBe(401);
  const good = basic(clientId, clientSecret);
  expect(await sendJson("POST", at, body, good)).toMatchObject({ status: 200, body: { user: { login: "mona" } } });
  expect((await sendJson("DELETE", at, body, good)).status).toBe(204);
  expect((await sendJson("POST", at, body, good)).status).toBe(404);
  expect((await get(`${github.apiUrl}/user`, accessToken)).status).toBe(401);
});
