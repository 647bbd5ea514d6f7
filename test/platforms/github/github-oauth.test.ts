import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CredentialKind } from "../../../src/domain/model/credential.ts";
import type { CredentialSecrets } from "../../../src/domain/model/platform.ts";
import { createGithubOauth, type GithubOauthOptions } from "../../../src/platforms/github/github-oauth.ts";
import { Secret } from "../../../src/secret.ts";
import { GithubCounterpart } from "./counterpart.ts";

const redirectUri = "https://tokens.example/oauth/callback/github-oauth";
const verifier = new Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

let github: GithubCounterpart;

beforeEach(async () => {
  github = new GithubCounterpart();
  await github.start();
});

afterEach(async () => {
  await github.stop();
  expect(github.complaints).toEqual([]);
});

function create(overrides: Partial<GithubOauthOptions> = {}) {
  return createGithubOauth({
    ...github.site,
    clientSecret: new Secret(github.clientSecret),
    scopes: ["repo", "read:org"],
    issuer: "https://github.com/login/oauth",
    ...overrides,
  });
}

function exchange() {
  const code = new Secret(github.issueCode({ redirectUri, challenge }));
  return create().exchange({ code, codeVerifier: verifier, redirectUri, hint: undefined, begunAt: new Date() });
}

/** Connects a person and gives what would be kept of it. */
async function connect(): Promise<CredentialSecrets> {
  const outcome = await exchange();
  if (outcome.kind !== "connected") throw new Error(outcome.kind);
  const [credential] = outcome.connection.credentials;
  if (credential?.tokens === undefined) throw new Error("no tokens");
  const { token, refreshToken } = credential.tokens;
  return { ...credential, registration: undefined, accessToken: token.value, refreshToken };
}

function withSecrets(kind: CredentialKind, accessToken?: string, refreshToken?: string): CredentialSecrets {
  return {
    kind,
    actor: "user",
    subject: "583231",
    externalUserId: "583231",
    registration: undefined,
    accessToken: accessToken === undefined ? undefined : new Secret(accessToken),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
  };
}

describe("the authorization page", () => {
  it.each([
    [["repo", "read:org"], "repo read:org offline_access"],
    [["offline_access", "repo"], "offline_access repo"],
    [[], "offline_access"],
  ])("is asked for %j and a refresh token, with PKCE", (scopes, scope) => {
    const platform = create({ webUrl: "https://github.com", scopes });
    expect(platform.usesPkce(undefined)).toBe(true);
    const url = platform.authorizationUrl({ state: "s", codeChallenge: challenge, redirectUri, hint: undefined });
    expect(url.origin + url.pathname).toBe("https://github.com/login/oauth/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: github.clientId,
      redirect_uri: redirectUri,
      state: "s",
      scope,
      code_challenge: challenge,
      code_challenge_method: "S256",
    });
  });
});

describe("a person connects", () => {
  it("with tokens that rotate where the app's tokens expire", async () => {
    const outcome = await exchange();
    if (outcome.kind !== "connected") throw new Error(outcome.kind);
    expect(outcome.connection.installations).toEqual([
      {
        products: ["github-oauth"],
        externalOrgId: "583231",
        externalOrgName: "octocat",
        externalInstallId: undefined,
        externalUserId: "583231",
        scopes: ["repo", "read:org"],
        permissions: {},
        installedBy: "octocat",
        metadata: { account_type: "User" },
        suspended: false,
      },
    ]);
    const [credential] = outcome.connection.credentials;
    expect(credential).toMatchObject({
      kind: "rotating",
      actor: "user",
      subject: "583231",
      externalUserId: "583231",
      natural: true,
      tokens: { scopes: ["repo", "read:org"] },
    });
    const { token, grantExpiresAt } = credential?.tokens ?? {};
    const issued = token?.issuedAt.getTime() ?? 0;
    expect(token?.expiresAt?.getTime()).toBe(issued + 28_800_000);
    expect(grantExpiresAt?.getTime()).toBe(issued + 15_897_600_000);
    expect(github.userTokens.has(token?.value.reveal() ?? "")).toBe(true);
  });

  it("with one token for good where they do not", async () => {
    github.expiring = false;
    const credential = await connect();
    expect(credential.kind).toBe("long_lived");
    expect(credential.refreshToken).toBeUndefined();
  });

  it("with what was granted rather than what was asked for", async () => {
    github.grantedScopes = "read:org";
    const header = { "x-oauth-scopes": "gist" };
    expect(await exchange()).toMatchObject({ connection: { installations: [{ scopes: ["read:org"] }] } });
    github.answerNext("GET /user", { status: 200, body: github.user, headers: header });
    expect(await exchange()).toMatchObject({ connection: { credentials: [{ tokens: { scopes: ["gist"] } }] } });
  });

  it("with the scopes of the token's answer where GitHub's header names none", async () => {
    github.answerNext("GET /user", { status: 200, body: github.user });
    expect(await exchange()).toMatchObject({ connection: { installations: [{ scopes: ["repo", "read:org"] }] } });
  });

  it("only with the verifier of the attempt", async () => {
    const code = new Secret(github.issueCode({ redirectUri, challenge }));
    const request = {
      code,
      codeVerifier: new Secret("x".repeat(43)),
      redirectUri,
      hint: undefined,
      begunAt: new Date(),
    };
    expect(await create().exchange(request)).toEqual({ kind: "code_rejected", code: "bad_verification_code" });
  });

  it("not while nobody knows whose token it is, and then it is ended", async () => {
    github.answerNext("GET /user", { status: 503, body: "<html>" });
    expect(await exchange()).toMatchObject({ kind: "unavailable", cause: "http_503" });
    expect(github.userTokens.size).toBe(0);
  });

  it("not before the e-mail address is verified", async () => {
    github.answerNext("POST /login/oauth/access_token", { status: 200, body: { error: "unverified_user_email" } });
    expect(await exchange()).toEqual({ kind: "person_must_act", code: "unverified_email" });
  });
});

describe("a rotating token", () => {
  it("is refreshed once, and its old pair is dead", async () => {
    const credential = await connect();
    const outcome = await create().mint(credential);
    if (outcome.kind !== "minted") throw new Error(outcome.kind);
    const { token, refreshToken, scopes } = outcome.tokens;
    expect([...github.userTokens.keys()]).toEqual([token.value.reveal()]);
    expect(refreshToken?.reveal()).not.toBe(credential.refreshToken?.reveal());
    expect(scopes).toEqual(["repo", "read:org"]);
    expect(await create().mint(credential)).toEqual({ kind: "rejected", code: "bad_refresh_token" });
  });

  it("keeps the known scopes when the refresh names none", async () => {
    github.grantedScopes = "";
    const outcome = await create().mint(await connect());
    expect(outcome).toMatchObject({ kind: "minted", tokens: { scopes: undefined } });
  });

  it("is not given up for a wrong client secret, an outage or a page", async () => {
    const credential = await connect();
    expect(await create({ clientSecret: new Secret("wrong") }).mint(credential)).toEqual({
      kind: "misconfigured",
      code: "incorrect_client_credentials",
    });
    github.answerNext(
      "POST /login/oauth/access_token",
      { status: 503, body: { error: "bad_refresh_token" } },
      { status: 200, body: "<html>bad_refresh_token</html>" },
      { status: 200, body: ["bad_refresh_token"] },
      { status: 200, body: { error: "server_error" } },
      { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999" } },
    );
    const causes = [];
    for (let turn = 0; turn < 5; turn += 1) causes.push(await create().mint(credential));
    expect(causes).toMatchObject([
      { kind: "unavailable", cause: "http_503", mayHaveBeenProcessed: true },
      { kind: "unavailable", cause: "unreadable_body", mayHaveBeenProcessed: true },
      { kind: "unavailable", cause: "unreadable_body", mayHaveBeenProcessed: true },
      { kind: "unavailable", cause: "server_error", mayHaveBeenProcessed: true },
      { kind: "rate_limited", retryAfterMs: 3_600_000 },
    ]);
    expect((await create().mint(credential)).kind).toBe("minted");
  });
});

describe("a token for good", () => {
  it("is confirmed while it works and refused once it is revoked", async () => {
    github.expiring = false;
    const credential = await connect();
    expect(await create().mint(credential)).toEqual({ kind: "confirmed" });
    expect(await create({ clientSecret: new Secret("wrong") }).mint(credential)).toEqual({
      kind: "misconfigured",
      code: "client_credentials_refused",
    });
    github.userTokens.clear();
    expect(await create().mint(credential)).toEqual({ kind: "rejected", code: "token_revoked" });
  });
});

it.each<CredentialKind>(["rotating", "long_lived", "app_installation"])(
  "asks nothing for a %s credential without its secret, and condemns nothing",
  async (kind) => {
    const outcome = await create().mint(withSecrets(kind));
    expect(outcome).toMatchObject({ kind: "unavailable", cause: "no_secret", mayHaveBeenProcessed: false });
    expect(github.requests).toEqual([]);
  },
);

describe("revoking", () => {
  it("ends the token at GitHub", async () => {
    expect(await create().revoke(await connect())).toEqual({ kind: "revoked" });
    expect(github.userTokens.size).toBe(0);
  });

  it("counts a token that is invalid already", async () => {
    expect(await create().revoke(withSecrets("long_lived", "gho_gone"))).toEqual({ kind: "revoked" });
    expect(await create().revoke(withSecrets("rotating", "gho_gone", "ghr_gone"))).toEqual({ kind: "revoked" });
  });

  it("refreshes an expired token in order to end its refresh token", async () => {
    const { refreshToken } = await connect();
    expect(await create().revoke(withSecrets("rotating", "gho_expired", refreshToken?.reveal()))).toEqual({
      kind: "revoked",
    });
    expect(github.userTokens.size).toBe(0);
    expect(github.requests.slice(-3).map(({ method, path }) => `${method} ${path}`)).toEqual([
      `DELETE /applications/${github.clientId}/token`,
      "POST /login/oauth/access_token",
      `DELETE /applications/${github.clientId}/token`,
    ]);
  });

  it("refreshes when only the refresh token can be read", async () => {
    const { refreshToken } = await connect();
    expect(await create().revoke(withSecrets("rotating", undefined, refreshToken?.reveal()))).toEqual({
      kind: "revoked",
    });
    expect(github.userTokens.size).toBe(0);
  });

  it("fails when it cannot tell, and spends no refresh token then", async () => {
    const credential = await connect();
    github.answerNext(`DELETE /applications/${github.clientId}/token`, { status: 500 });
    expect(await create().revoke(credential)).toEqual({ kind: "failed", cause: "http_500" });
    expect(github.userTokens.size).toBe(1);
    expect(await create({ clientSecret: new Secret("wrong") }).revoke(credential)).toEqual({
      kind: "failed",
      cause: "client_credentials_refused",
    });
    expect(await create().revoke(withSecrets("rotating"))).toEqual({ kind: "failed", cause: "no_secret" });
  });

  it("fails when the refresh before it fails", async () => {
    github.answerNext(
      "POST /login/oauth/access_token",
      { status: 503 },
      { status: 200, body: { error: "incorrect_client_credentials" } },
    );
    const credential = withSecrets("rotating", undefined, "ghr_x");
    expect(await create().revoke(credential)).toEqual({ kind: "failed", cause: "http_503" });
    expect(await create().revoke(credential)).toEqual({ kind: "failed", cause: "incorrect_client_credentials" });
  });
});
