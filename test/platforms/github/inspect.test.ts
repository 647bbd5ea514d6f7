import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CredentialSecrets, Inspection, Platform } from "../../../src/domain/model/platform.ts";
import { createGithub } from "../../../src/platforms/github/github-app.ts";
import { createGithubOauth } from "../../../src/platforms/github/github-oauth.ts";
import { Secret } from "../../../src/secret.ts";
import { type Answer, GithubCounterpart } from "./counterpart.ts";

let github: GithubCounterpart;

beforeEach(async () => {
  github = new GithubCounterpart();
  await github.start();
});

afterEach(async () => {
  await github.stop();
  expect(github.complaints).toEqual([]);
});

const issuer = "https://github.com/login/oauth";
const installation = {
  externalOrgId: "9077",
  externalInstallId: "77",
  externalUserId: undefined,
  products: ["github"],
};

function inspect(platform: Platform, credential: Partial<CredentialSecrets>): Promise<Inspection> {
  const known = { kind: "long_lived" as const, actor: "user" as const, subject: "77", externalUserId: undefined };
  const secrets = { registration: undefined, accessToken: undefined, refreshToken: undefined };
  return platform.inspect!(installation, { ...known, ...secrets, ...credential });
}

const notFound = { status: 404, body: { message: "Not Found" } };

describe("an installation of the app", () => {
  const ask = (platform = create()) => inspect(platform, { kind: "app_installation", actor: "app" });
  const create = () =>
    createGithub({
      ...github.site,
      appId: String(github.appId),
      slug: "acme-bot",
      clientSecret: new Secret(github.clientSecret),
      privateKey: new Secret(github.keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
      installPath: "/apps",
      issuer,
      claimProof: "sees",
      webhookSecrets: [],
      webhookMaxBytes: 1024,
    });
  const facts = {
    externalOrgName: "org-77",
    scopes: undefined,
    permissions: { contents: "read", metadata: "read" },
    metadata: { account_type: "Organization", repository_selection: "selected" },
  };

  it("is there, with what it is called and granted now", async () => {
    github.installations.push(github.installation(77));
    expect(await ask()).toEqual({ kind: "present", facts });
  });

  it("is suspended, and says the same of itself", async () => {
    github.installations.push(github.installation(77, { suspended_at: "2026-11-20T10:10:00Z" }));
    expect(await ask()).toEqual({ kind: "suspended", facts });
  });

  it("says nothing of an account that GitHub does not show", async () => {
    github.installations.push(github.installation(77, { account: null, permissions: undefined }));
    expect(await ask()).toMatchObject({ facts: { externalOrgName: undefined, permissions: undefined } });
  });

  it("is gone once GitHub, asked by the configured app, does not know it", async () => {
    expect(await ask()).toEqual({ kind: "gone", code: "installation_removed" });
  });

  it.each<[string, Answer, Answer | undefined, object]>([
    [
      "another app's id",
      notFound,
      { status: 200, body: { id: 1 } },
      { kind: "misconfigured", code: "app_id_mismatch" },
    ],
    ["an app that is unknown", notFound, notFound, { kind: "misconfigured", code: "app_not_found" }],
    ["a trouble behind a 404", notFound, { status: 502, body: "<html>" }, { kind: "unavailable", cause: "http_502" }],
    ["another's page", { status: 200, body: "<html>" }, undefined, { kind: "unavailable", cause: "unreadable_body" }],
    ["another one's facts", { status: 200, body: { id: 78 } }, undefined, { kind: "unavailable" }],
    [
      "a key that is refused",
      { status: 401, body: { message: "Bad credentials" } },
      undefined,
      { kind: "misconfigured" },
    ],
    ["an outage", { status: 503, body: "<html>" }, undefined, { kind: "unavailable", cause: "http_503" }],
    [
      "a suspension told by its status",
      { status: 403, body: { message: "This installation has been suspended" } },
      undefined,
      { kind: "suspended" },
    ],
    [
      "an IP allow list",
      { status: 403, body: { message: "`acme` has an IP allow list enabled" } },
      undefined,
      { kind: "refused", code: "ip_allow_list" },
    ],
    [
      "a legal block",
      { status: 451, body: { message: "Unavailable" } },
      undefined,
      { kind: "refused", code: "access_blocked" },
    ],
    [
      "a primary limit",
      { status: 403, body: { message: "API rate limit exceeded" }, headers: { "x-ratelimit-remaining": "0" } },
      undefined,
      { kind: "rate_limited" },
    ],
    [
      "a secondary limit",
      { status: 429, body: {}, headers: { "retry-after": "7" } },
      undefined,
      { kind: "rate_limited", retryAfterMs: 7_000 },
    ],
  ])("is not gone for %s", async (_, answer, app, expected) => {
    github.answerNext("GET /app/installations/77", answer);
    if (app !== undefined) github.answerNext("GET /app", app);
    expect(await ask()).toMatchObject(expected);
  });

  it("is not gone while nothing answers", async () => {
    const platform = create();
    await github.stop();
    expect(await ask(platform)).toMatchObject({ kind: "unavailable", cause: "ECONNREFUSED" });
    await github.start();
  });
});

describe("a person's token of the OAuth App", () => {
  const ask = (token: string | undefined, clientSecret = github.clientSecret) =>
    inspect(createGithubOauth({ ...github.site, clientSecret: new Secret(clientSecret), scopes: [], issuer }), {
      accessToken: token === undefined ? undefined : new Secret(token),
    });
  const route = "POST /applications/Iv23liCounterpart/token";

  it("works, and shows whose it is and what for", async () => {
    const body = { id: 1, token: "t", scopes: ["repo"], user: { id: 583231, login: "octocat-renamed" } };
    github.answerNext(route, { status: 200, body });
    expect(await ask("gho_1")).toEqual({
      kind: "present",
      facts: { externalOrgName: "octocat-renamed", scopes: ["repo"], permissions: undefined, metadata: undefined },
    });
  });

  it("has ended for good once GitHub itself does not know it", async () => {
    expect(await ask("gho_unknown")).toEqual({ kind: "grant_dead", code: "token_revoked" });
  });

  it.each<[string, Answer, object]>([
    ["a page without GitHub's words", { status: 404, body: "<html>" }, { kind: "unavailable", cause: "http_404" }],
    ["an outage", { status: 502, body: {} }, { kind: "unavailable", cause: "http_502" }],
    ["a limit", { status: 429, body: {} }, { kind: "rate_limited" }],
  ])("has not ended for %s", async (_, answer, expected) => {
    github.answerNext(route, answer);
    expect(await ask("gho_1")).toMatchObject(expected);
  });

  it("has not ended because our own secret is refused, or because there is none to ask with", async () => {
    expect(await ask("gho_1", "wrong")).toEqual({ kind: "misconfigured", code: "client_credentials_refused" });
    expect(await ask(undefined)).toMatchObject({ kind: "unavailable", cause: "no_token" });
  });
});
