import { generateKeyPairSync } from "node:crypto";
import { createEmulator, type Emulator } from "emulate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CredentialSecrets, Narrowing } from "../../../src/domain/model/platform.ts";
import { createGithub } from "../../../src/platforms/github/github-app.ts";
import { createGithubOauth } from "../../../src/platforms/github/github-oauth.ts";
import { Secret } from "../../../src/secret.ts";

// The emulator reads the number at the start of `iss` as the app id.
const clientId = "4242.client";
const clientSecret = "emulated-secret";
const redirectUri = "http://127.0.0.1:9/oauth/callback/github-oauth";
const pem = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();
const noNarrowing: Narrowing = { repositoryIds: [], repositories: [], permissions: {} };

let emulator: Emulator;

beforeAll(async () => {
  emulator = await createEmulator({
    service: "github",
    port: 0,
    seed: {
      github: {
        users: [{ login: "octocat", name: "Octo Cat", email: "octocat@example.com" }],
        orgs: [{ login: "acme", members: [{ login: "octocat", role: "admin" }] }],
        repos: [
          { owner: "acme", name: "one", private: true },
          { owner: "acme", name: "two", private: true },
        ],
        oauth_apps: [{ client_id: clientId, client_secret: clientSecret, name: "OAuth", redirect_uris: [redirectUri] }],
        apps: [
          {
            app_id: 4242,
            slug: "acme-bot",
            name: "Acme Bot",
            private_key: pem,
            permissions: { contents: "read", metadata: "read" },
            events: [],
            installations: [{ installation_id: 77, account: "acme", repository_selection: "all" }],
          },
        ],
      },
    },
  });
});

afterAll(() => emulator.close());

function site(secret = clientSecret) {
  return {
    webUrl: emulator.url,
    apiUrl: emulator.url,
    clientId,
    clientSecret: new Secret(secret),
    issuer: "https://github.com/login/oauth",
    fetch,
    now: () => new Date(),
  };
}

function app(overrides: { clientId?: string; appId?: string; privateKey?: Secret } = {}) {
  const privateKey = new Secret(pem.replaceAll("\n", "\\n"));
  return createGithub({
    webhookMaxBytes: 1024,
    ...site(),
    appId: "4242",
    slug: "acme-bot",
    installPath: "/apps",
    claimProof: "administers",
    webhookSecrets: [],
    privateKey,
    ...overrides,
  });
}

function installed(subject: string): CredentialSecrets {
  return {
    kind: "app_installation",
    actor: "app",
    subject,
    externalUserId: undefined,
    registration: undefined,
    accessToken: undefined,
    refreshToken: undefined,
  };
}

describe("an OAuth App at the emulator", () => {
  const platform = () => createGithubOauth({ ...site(), scopes: ["repo", "read:org"] });

  /** Passes the consent page like a person would, and gives the callback's query. */
  async function consent(state: string): Promise<URLSearchParams> {
    const request = { state, codeChallenge: "c".repeat(43), redirectUri, hint: undefined };
    const page = await fetch(platform().authorizationUrl(request));
    expect(page.status).toBe(200);
    const form = Object.fromEntries(
      [...(await page.text()).matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [
        name ?? "",
        value ?? "",
      ]),
    );
    const body = new URLSearchParams({ ...form, login: "octocat" });
    const done = await fetch(`${emulator.url}/login/oauth/callback`, { method: "POST", body, redirect: "manual" });
    return new URL(done.headers.get("location") ?? "").searchParams;
  }

  it("connects a person through the consent page, once per code", async () => {
    const query = await consent("our-state");
    expect(query.get("state")).toBe("our-state");
    const callback = platform().readCallback(query, undefined);
    if (callback.kind !== "code") throw new Error(callback.kind);
    const request = {
      code: callback.code,
      codeVerifier: new Secret("v".repeat(43)),
      redirectUri,
      hint: undefined,
      begunAt: new Date(),
    };
    const outcome = await platform().exchange(request);
    expect(outcome).toMatchObject({
      kind: "connected",
      connection: {
        installations: [{ externalOrgName: "octocat", scopes: ["repo", "read:org"] }],
        credentials: [{ kind: "long_lived", natural: true }],
      },
    });
    expect(await platform().exchange(request)).toEqual({ kind: "code_rejected", code: "bad_verification_code" });
  });

  it("is told when its own secret is wrong", async () => {
    const query = await consent("s");
    const request = {
      code: new Secret(query.get("code") ?? ""),
      codeVerifier: undefined,
      redirectUri,
      hint: undefined,
      begunAt: new Date(),
    };
    const outcome = await createGithubOauth({ ...site("wrong"), scopes: [] }).exchange(request);
    expect(outcome).toEqual({ kind: "misconfigured", code: "incorrect_client_credentials" });
  });
});

describe("a GitHub App at the emulator", () => {
  /** The private repositories of acme that a token reads. */
  async function repositories(token: Secret): Promise<string[]> {
    const authorization = `Bearer ${token.reveal()}`;
    const readable = async (name: string) =>
      (await fetch(`${emulator.url}/repos/acme/${name}`, { headers: { authorization } })).ok ? [name] : [];
    return [...(await readable("one")), ...(await readable("two"))];
  }

  it("mints a token for everything it was granted", async () => {
    const outcome = await app().mint(installed("77"));
    if (outcome.kind !== "minted") throw new Error(outcome.kind);
    expect(outcome.tokens.permissions).toEqual({ contents: "read", metadata: "read" });
    const { issuedAt, expiresAt } = outcome.tokens.token;
    expect((expiresAt?.getTime() ?? 0) - issuedAt.getTime()).toBeGreaterThanOrEqual(3_599_000);
    expect(await repositories(outcome.tokens.token.value)).toEqual(["one", "two"]);
  });

  it("mints a token for one repository and one permission", async () => {
    const narrowing = { ...noNarrowing, repositories: ["two"], permissions: { metadata: "read" } };
    const outcome = await app().mint(installed("77"), narrowing);
    if (outcome.kind !== "minted") throw new Error(outcome.kind);
    expect(outcome.tokens.permissions).toEqual({ metadata: "read" });
    expect(await repositories(outcome.tokens.token.value)).toEqual(["two"]);
  });

  it.each([
    [{ permissions: { contents: "write" } }],
    [{ permissions: { issues: "read" } }],
    [{ repositories: ["elsewhere"] }],
    [{ repositoryIds: [987654n] }],
  ])("is not granted more than the installation has (%#)", async (asked) => {
    expect(await app().mint(installed("77"), { ...noNarrowing, ...asked })).toEqual({ kind: "not_granted" });
  });

  it("learns that an installation is gone", async () => {
    expect(await app().mint(installed("78"))).toEqual({ kind: "rejected", code: "installation_removed" });
  });

  it("blames itself for a wrong key, or where neither client id nor app id is known", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const privateKey = new Secret(other.export({ type: "pkcs8", format: "pem" }).toString());
    const refused = { kind: "misconfigured", code: "app_key_refused" };
    expect(await app({ privateKey }).mint(installed("77"))).toEqual(refused);
    expect(await app({ clientId: "Iv23liOther", appId: "4243" }).mint(installed("77"))).toEqual(refused);
  });
});
