import { createHash, randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createBrowser } from "../../../rig/browser.ts";
import type { Connection } from "../../../src/domain/model/connection.ts";
import type { CredentialSecrets, Platform } from "../../../src/domain/model/platform.ts";
import { type AtlassianOptions, createAtlassian } from "../../../src/platforms/atlassian/atlassian.ts";
import { Secret } from "../../../src/secret.ts";
import { type AtlassianOidc, personId, startAtlassianOidc } from "../../support/atlassian-oidc.ts";

const client = {
  clientId: "client-1",
  clientSecret: "s3cret-of-the-client",
  redirectUri: "http://127.0.0.1:8010/oauth/callback/jira",
  scopes: ["read:me", "read:jira-work", "read:confluence-content.all"],
};
const site = { id: "cloud-1", name: "Acme", url: "https://acme.atlassian.net", avatarUrl: "https://cdn.example/a.png" };

const twoSites = ["cloud-1", "cloud-2"].map((id) => ({ ...site, id, scopes: ["read:jira-work"] }));

let atlassian: AtlassianOidc;
let platform: Platform;

beforeEach(async () => {
  atlassian = await startAtlassianOidc(client);
  atlassian.sites = [
    { ...site, scopes: ["read:jira-work"] },
    { ...site, scopes: ["read:confluence-content.all"] },
  ];
  platform = create();
});
afterEach(async () => {
  vi.useRealTimers();
  await atlassian.close();
  expect(atlassian.strange).toEqual([]);
});

function create(changes: Partial<AtlassianOptions> = {}): Platform {
  return createAtlassian({
    webhookSecrets: [],
    clientId: client.clientId,
    clientSecret: new Secret(client.clientSecret),
    scopes: client.scopes,
    pkce: true,
    authUrl: atlassian.url,
    apiUrl: atlassian.url,
    fetch,
    now: () => new Date(),
    ...changes,
  });
}

interface Consent {
  readonly code: Secret;
  readonly codeVerifier: Secret;
}

/** What a person's browser does, up to the callback. */
async function consent(): Promise<Consent> {
  const verifier = randomBytes(32).toString("base64url");
  const codeChallenge = createHash("sha256").update(verifier).digest("base64url");
  const { redirectUri } = client;
  let url = platform.authorizationUrl({ state: "state-1", codeChallenge, redirectUri, hint: undefined });
  const browser = createBrowser();
  while (url.origin === atlassian.url) {
    const response = await browser.get(url);
    const location = response.headers.get("location");
    if (location === null) throw new Error(`${response.status} at ${url.pathname}: ${await response.text()}`);
    url = new URL(location, url);
  }
  expect(url.searchParams.get("state")).toBe("state-1");
  const callback = platform.readCallback(url.searchParams, undefined);
  if (callback.kind !== "code") throw new Error(callback.kind);
  return { code: callback.code, codeVerifier: new Secret(verifier) };
}

function exchange({ code, codeVerifier }: { code: Secret; codeVerifier: Secret | undefined }, by = platform) {
  return by.exchange({ code, codeVerifier, redirectUri: client.redirectUri, hint: undefined, begunAt: new Date() });
}

async function connect(): Promise<Connection> {
  const outcome = await exchange(await consent());
  if (outcome.kind !== "connected") throw new Error(JSON.stringify(outcome));
  return outcome.connection;
}

async function connectedCredential(): Promise<CredentialSecrets> {
  const [credential] = (await connect()).credentials;
  if (credential?.tokens === undefined) throw new Error("no credential");
  const { token, refreshToken } = credential.tokens;
  return { ...credential, registration: undefined, accessToken: token.value, refreshToken };
}

const code_rejected = { kind: "code_rejected", code: "invalid_grant" };
const rejected = { kind: "rejected", code: "invalid_grant" };

describe("connecting", () => {
  it("gives every site once, and one credential in the person's name", async () => {
    atlassian.sites = [
      { ...site, scopes: ["read:jira-work"] },
      { ...site, scopes: ["read:confluence-content.all"] },
      { id: "cloud-2", name: "Beta", scopes: ["read:jira-work"] },
    ];
    const { installations, credentials } = await connect();
    expect(installations).toEqual([
      {
        products: ["jira", "confluence"],
        externalOrgId: "cloud-1",
        externalOrgName: "Acme",
        externalInstallId: undefined,
        externalUserId: personId,
        scopes: ["read:jira-work", "read:confluence-content.all"],
        permissions: {},
        installedBy: personId,
        metadata: {
          url: "https://acme.atlassian.net",
          avatar_url: "https://cdn.example/a.png",
          account_name: "Ann",
        },
        suspended: false,
      },
      expect.objectContaining({ products: ["jira"], externalOrgId: "cloud-2", metadata: { account_name: "Ann" } }),
    ]);
    expect(credentials).toMatchObject([
      { kind: "rotating", actor: "user", subject: personId, externalUserId: personId, natural: true },
    ]);
    const token = credentials[0]?.tokens?.token;
    expect((token?.expiresAt?.getTime() ?? 0) - (token?.issuedAt.getTime() ?? 0)).toBe(3_600_000);
  });

  it("gives every site, however much is said of each", async () => {
    const sites = Array.from({ length: 60 }, (_, index) => ({
      ...{ ...site, id: `cloud-${index}`, scopes: ["read:jira-work"] },
      details: "x".repeat(40_000),
    }));
    const path = "/oauth/token/accessible-resources";
    const through = create({ fetch: answering((url) => url.pathname === path, 200, sites) });
    const outcome = await exchange(await consent(), through);
    expect(outcome.kind === "connected" && outcome.connection.installations).toHaveLength(60);
  });

  it("needs the verifier of the challenge", async () => {
    const { code } = await consent();
    expect(await exchange({ code, codeVerifier: new Secret(randomBytes(32).toString("base64url")) })).toEqual(
      code_rejected,
    );
    const other = await consent();
    expect(await exchange({ code: other.code, codeVerifier: undefined })).toEqual(code_rejected);
  });

  it("works once per code", async () => {
    const granted = await consent();
    expect((await exchange(granted)).kind).toBe("connected");
    expect(await exchange(granted)).toEqual(code_rejected);
  });

  it("with a wrong secret accuses our registration and does not spend the code", async () => {
    const granted = await consent();
    const wrong = create({ clientSecret: new Secret("wrong") });
    expect(await exchange(granted, wrong)).toEqual({ kind: "misconfigured", code: "invalid_client" });
    expect((await exchange(granted)).kind).toBe("connected");
  });

  it("needs a site", async () => {
    atlassian.sites = [];
    expect(await exchange(await consent())).toEqual({ kind: "person_must_act", code: "no_sites" });
  });

  it.each([401, 403, 404, 501])("of a person hidden by %i is known by its sites alone", async (status) => {
    const hidden = create({
      fetch: answering((url) => url.pathname.startsWith("/ex/") || url.pathname === "/me", status),
    });
    const outcome = await exchange(await consent(), hidden);
    if (outcome.kind !== "connected") throw new Error(outcome.kind);
    const { installations, credentials } = outcome.connection;
    expect(credentials[0]?.subject).toMatch(/^grant:[0-9a-f]{64}$/);
    expect(credentials[0]?.externalUserId).toBeUndefined();
    expect(installations[0]).toMatchObject({ externalUserId: undefined, installedBy: undefined });
  });

  it.each([302, 400, 402, 410, 423, 500, 503])("asks the next site where the first one answers %i", async (status) => {
    atlassian.sites = twoSites;
    atlassian.me = { status: 403, body: { message: "no" } };
    const isFirst = (url: URL) => url.pathname.startsWith("/ex/") && url.pathname.includes("cloud-1");
    const first = answering(isFirst, status);
    const next = answering((url) => url.pathname.includes("cloud-2"), 200, { accountId: "712020:bob" });
    const through = create({
      fetch: (input, init) => (isFirst(new URL(String(input))) ? first(input, init) : next(input, init)),
    });
    expect(await exchange(await consent(), through)).toMatchObject({
      connection: { credentials: [{ subject: "712020:bob" }], installations: [{}, {}] },
    });
    const nobody = create({ fetch: answering((url) => url.pathname.startsWith("/ex/"), status) });
    const outcome = await exchange(await consent(), nobody);
    expect(outcome.kind === "connected" && outcome.connection.credentials[0]?.subject).toMatch(/^grant:/);
  });

  it("asks the next site where the first one does not answer, and tells of it if nobody knows the person", async () => {
    atlassian.sites = twoSites;
    atlassian.me = { status: 403, body: { message: "no" } };
    const silent = refusing((url) => url.pathname.startsWith("/ex/"));
    const next = answering((url) => url.pathname.includes("cloud-2"), 200, { accountId: "712020:bob" });
    const through = create({
      fetch: (input, init) => (String(input).includes("cloud-2") ? next(input, init) : silent(input, init)),
    });
    expect(await exchange(await consent(), through)).toMatchObject({
      connection: { credentials: [{ subject: "712020:bob" }] },
    });
    expect(await exchange(await consent(), create({ fetch: silent }))).toMatchObject({
      kind: "unavailable",
      cause: "ECONNREFUSED",
    });
  });

  it("takes a limit for trouble that passes", async () => {
    atlassian.me = { status: 403, body: { message: "no" } };
    const limited = create({ fetch: answering((url) => url.pathname.startsWith("/ex/"), 429) });
    expect(await exchange(await consent(), limited)).toMatchObject({ kind: "unavailable", cause: "http_429" });
  });

  it.each([
    ["at most seven sites", 0, 7],
    ["nobody further after twelve seconds", 7_000, 2],
  ])("asks %s: a person waits", async (_, eachMs, most) => {
    vi.useFakeTimers({ toFake: ["performance"] });
    atlassian.sites = Array.from({ length: 20 }, (_, index) => ({
      ...site,
      id: `cloud-${index}`,
      scopes: ["read:jira-work"],
    }));
    atlassian.me = { status: 403, body: { message: "no" } };
    let asked = 0;
    const isSite = (url: URL) => url.pathname.startsWith("/ex/");
    const suspended = answering(isSite, 410);
    const through = create({
      fetch: (input, init) => {
        if (isSite(new URL(String(input)))) {
          asked += 1;
          vi.advanceTimersByTime(eachMs);
        }
        return suspended(input, init);
      },
    });
    expect((await exchange(await consent(), through)).kind).toBe("connected");
    expect(asked).toBe(most);
  });

  it("asks a product who the person is where the identity API does not tell", async () => {
    atlassian.me = { status: 403, body: { message: "no" } };
    const through = create({
      fetch: answering((url) => url.pathname === "/ex/jira/cloud-1/rest/api/3/myself", 200, {
        accountId: "712020:bob",
      }),
    });
    const outcome = await exchange(await consent(), through);
    expect(outcome).toMatchObject({ connection: { credentials: [{ subject: "712020:bob" }] } });
  });

  it.each(["/oauth/token/accessible-resources", "/me"])(
    "says that the code may be spent when %s fails",
    async (path) => {
      const hidden = answering((url) => url.pathname.startsWith("/ex/"), 404);
      const failing = create({ fetch: answering((url) => url.pathname === path, 503, {}, hidden) });
      expect(await exchange(await consent(), failing)).toMatchObject({
        kind: "unavailable",
        cause: "http_503",
        mayHaveBeenProcessed: true,
      });
      const gone = create({ fetch: refusing((url) => url.pathname === path, hidden) });
      expect(await exchange(await consent(), gone)).toMatchObject({
        kind: "unavailable",
        cause: "ECONNREFUSED",
        mayHaveBeenProcessed: true,
      });
    },
  );

  it("says that the code is unspent when the token endpoint cannot be reached", async () => {
    const gone = create({ fetch: refusing(() => true) });
    expect(await exchange(await consent(), gone)).toMatchObject({ kind: "unavailable", mayHaveBeenProcessed: false });
  });
});

describe("refreshing", () => {
  it("gives a new pair each time", async () => {
    const credential = await connectedCredential();
    const first = await platform.mint(credential);
    if (first.kind !== "minted") throw new Error(first.kind);
    expect(first.tokens.token.value.reveal()).not.toBe(credential.accessToken?.reveal());
    expect(first.tokens.refreshToken?.reveal()).not.toBe(credential.refreshToken?.reveal());
    const second = await platform.mint({ ...credential, refreshToken: first.tokens.refreshToken });
    expect(second.kind).toBe("minted");
  });

  // Why a refresh needs a lease: outside the leeway, whoever uses a token a second time ends the grant for everybody.
  it("twice at once with one token costs the grant: the survivor's token is dead as well", async () => {
    const credential = await connectedCredential();
    const outcomes = await Promise.all([platform.mint(credential), platform.mint(credential)]);
    const survivor = outcomes.find((outcome) => outcome.kind === "minted");
    expect(outcomes).toContainEqual(rejected);
    if (survivor?.kind !== "minted") throw new Error("neither was answered");
    expect(await platform.mint({ ...credential, refreshToken: survivor.tokens.refreshToken })).toEqual(rejected);
  });

  it("with a wrong secret accuses our registration and harms nothing", async () => {
    const credential = await connectedCredential();
    const wrong = create({ clientSecret: new Secret("wrong") });
    expect(await wrong.mint(credential)).toEqual({ kind: "misconfigured", code: "invalid_client" });
    expect((await platform.mint(credential)).kind).toBe("minted");
  });

  it("without a refresh token is over, and asks nobody", async () => {
    const alone = create({ fetch: refusing(() => true) });
    const credential = { ...(await connectedCredential()), kind: "long_lived" as const, refreshToken: undefined };
    expect(await alone.mint(credential)).toEqual({ kind: "rejected", code: "no_refresh_token" });
  });
});

describe("revoking", () => {
  it("ends the grant, and succeeds again", async () => {
    const credential = await connectedCredential();
    expect(await platform.revoke(credential)).toEqual({ kind: "revoked" });
    expect(await platform.mint(credential)).toEqual(rejected);
    expect(await platform.revoke(credential)).toEqual({ kind: "revoked" });
  });

  it("sends the refresh token, and the access token only where there is no other", async () => {
    const sent: (string | null)[] = [];
    const watched = create({
      fetch: (input, init) => {
        sent.push(new URLSearchParams(String(init?.body)).get("token"));
        return fetch(input, init);
      },
    });
    const credential = await connectedCredential();
    await watched.revoke(credential);
    await watched.revoke({ ...credential, refreshToken: undefined });
    expect(sent).toEqual([credential.refreshToken?.reveal(), credential.accessToken?.reveal()]);
  });

  it("with a wrong secret fails", async () => {
    const wrong = create({ clientSecret: new Secret("wrong") });
    const credential = await connectedCredential();
    expect(await wrong.revoke(credential)).toEqual({ kind: "failed", cause: "http_401" });
    expect((await platform.mint(credential)).kind).toBe("minted");
  });

  it("fails where no secret is left", async () => {
    const credential = { ...(await connectedCredential()), accessToken: undefined, refreshToken: undefined };
    expect(await platform.revoke(credential)).toEqual({ kind: "failed", cause: "no_token" });
  });
});

describe("where a token is to be used", () => {
  it("follows the product", () => {
    const base = create({ apiUrl: "https://api.atlassian.com" });
    const installation = { externalOrgId: "cloud-1", products: ["jira", "confluence"] };
    expect(base.apiBaseUrl(installation, "jira")).toBe("https://api.atlassian.com/ex/jira/cloud-1");
    expect(base.apiBaseUrl(installation, "confluence")).toBe("https://api.atlassian.com/ex/confluence/cloud-1");
  });
});

/** The real network, but some URLs are answered here. */
function answering(
  applies: (url: URL) => boolean,
  status: number,
  body: unknown = {},
  rest: typeof fetch = fetch,
): typeof fetch {
  return (input, init) =>
    applies(new URL(String(input))) ? Promise.resolve(Response.json(body, { status })) : rest(input, init);
}

/** The real network, but some URLs cannot be reached. */
function refusing(applies: (url: URL) => boolean, rest: typeof fetch = fetch): typeof fetch {
  const refused = new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "ECONNREFUSED" }) });
  return (input, init) => (applies(new URL(String(input))) ? Promise.reject(refused) : rest(input, init));
}
