import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import type { Connection } from "../../../src/domain/model/connection.ts";
import type { CredentialSecrets, Narrowing } from "../../../src/domain/model/platform.ts";
import { createGithub, type GithubOptions } from "../../../src/platforms/github/github-app.ts";
import { Secret } from "../../../src/secret.ts";
import { GithubCounterpart } from "./counterpart.ts";

const redirectUri = "https://tokens.example/oauth/callback/github";
const verifier = new Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const noNarrowing: Narrowing = { repositoryIds: [], repositories: [], permissions: {} };

let github: GithubCounterpart;

beforeEach(async () => {
  github = new GithubCounterpart();
  await github.start();
});

afterEach(async () => {
  await github.stop();
  expect(github.complaints).toEqual([]);
});

function options(overrides: Partial<GithubOptions> = {}): GithubOptions {
  return {
    ...github.site,
    appId: String(github.appId),
    slug: "acme-bot",
    clientSecret: new Secret(github.clientSecret),
    privateKey: new Secret(github.keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    installPath: "/apps",
    issuer: "https://github.com/login/oauth",
    claimProof: "sees",
    webhookSecrets: [],
    webhookMaxBytes: 1024,
    ...overrides,
  };
}

function create(overrides: Partial<GithubOptions> = {}) {
  return createGithub(options(overrides));
}

function credential(subject: string): CredentialSecrets {
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

function calls(): string[] {
  return github.requests.map(({ method, path }) => `${method} ${path}`);
}

describe("the browser's way", () => {
  it("leads to the install page, which takes no challenge, and after a hint to the authorize page", () => {
    const platform = create({ webUrl: "https://ghe.example", installPath: "/github-apps" });
    const request = { state: "st&te", codeChallenge: undefined, redirectUri, hint: undefined };
    expect(platform.usesPkce(undefined)).toBe(false);
    expect(platform.authorizationUrl(request).href).toBe(
      "https://ghe.example/github-apps/acme-bot/installations/new?state=st%26te",
    );
    expect(platform.usesPkce("77")).toBe(true);
    const url = platform.authorizationUrl({ ...request, codeChallenge: challenge, hint: "77" });
    expect(url.origin + url.pathname).toBe("https://ghe.example/login/oauth/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: github.clientId,
      redirect_uri: redirectUri,
      state: "st&te",
      code_challenge: challenge,
      code_challenge_method: "S256",
      prompt: "select_account",
    });
    const installedNow = platform.authorizationUrl({ ...request, codeChallenge: challenge, hint: "77:new" });
    expect(installedNow.searchParams.has("prompt")).toBe(false);
  });

  it("names itself and where its tokens are used", () => {
    const platform = create({ apiUrl: "https://ghe.example/api/v3" });
    expect(platform).toMatchObject({ name: "github", products: ["github"], holder: "organization", actors: ["app"] });
    expect(platform.apiBaseUrl({ externalOrgId: "1", products: ["github"] }, "github")).toBe(
      "https://ghe.example/api/v3",
    );
  });
});

describe("an installation is proven", () => {
  async function exchange(hint: string | undefined, pkce = false) {
    const code = new Secret(github.issueCode(pkce ? { redirectUri, challenge } : {}));
    return create().exchange({
      code,
      codeVerifier: pkce ? verifier : undefined,
      redirectUri,
      hint,
      begunAt: new Date(),
    });
  }

  it("by a person who reaches it, whose token is ended and kept nowhere", async () => {
    github.reachable.push(github.installation(76), github.installation(77));
    const outcome = await exchange("77", true);
    const expected: Connection = {
      installations: [
        {
          products: ["github"],
          externalOrgId: "9077",
          externalOrgName: "org-77",
          externalInstallId: "77",
          externalUserId: undefined,
          scopes: [],
          permissions: { contents: "read", metadata: "read" },
          installedBy: "octocat",
          metadata: { account_type: "Organization", repository_selection: "selected" },
          suspended: false,
        },
      ],
      credentials: [
        {
          kind: "app_installation",
          actor: "app",
          subject: "77",
          externalUserId: undefined,
          tokens: undefined,
          natural: true,
        },
      ],
    };
    expect(outcome).toEqual({ kind: "connected", connection: expected });
    expect(github.userTokens.size).toBe(0);
    expect(calls()).toEqual([
      "POST /login/oauth/access_token",
      "GET /user",
      "GET /user/installations?per_page=100&page=1",
      `DELETE /applications/${github.clientId}/token`,
    ]);
  });

  it("on the third page as well as on the first", async () => {
    for (let id = 1; id <= 250; id += 1) github.reachable.push(github.installation(id));
    expect((await exchange("249")).kind).toBe("connected");
    expect(calls().filter((call) => call.includes("installations"))).toHaveLength(3);
  });

  it("in a list that says much of each", async () => {
    const events = Array.from({ length: 2_000 }, (_, index) => `event_${index}`);
    for (let id = 1; id <= 100; id += 1) github.reachable.push(github.installation(id, { events }));
    expect((await exchange("77")).kind).toBe("connected");
  });

  it("behind pages that GitHub left short", async () => {
    github.reachable.push(github.installation(77));
    const short = { status: 200, body: { total_count: 101, installations: [github.installation(1)] } };
    github.answerNext("GET /user/installations", short, {
      status: 200,
      body: { total_count: 101, installations: [github.installation(77)] },
    });
    expect((await exchange("77")).kind).toBe("connected");
  });

  it("in a list without a count, which ends with its first short page", async () => {
    const full = Array.from({ length: 100 }, (_, index) => github.installation(index + 1));
    github.answerNext(
      "GET /user/installations",
      { status: 200, body: { installations: full } },
      { status: 200, body: { installations: full.slice(0, 99) } },
    );
    expect(await exchange("777")).toEqual({ kind: "not_yours" });
    expect(calls().filter((call) => call.includes("installations"))).toHaveLength(2);
  });

  it("not by a person who does not reach it, whose token is ended all the same", async () => {
    for (let id = 1; id <= 250; id += 1) github.reachable.push(github.installation(id));
    expect(await exchange("777")).toEqual({ kind: "not_yours" });
    expect(calls().filter((call) => call.includes("installations"))).toHaveLength(3);
    expect(github.userTokens.size).toBe(0);
  });

  it("not if it belongs to another app", async () => {
    github.reachable.push(github.installation(77, { app_id: 4243 }));
    expect(await exchange("77")).toEqual({ kind: "not_yours" });
    expect(github.userTokens.size).toBe(0);
  });

  it("not without an end when the count promises more than there is", async () => {
    github.totalCount = 1_000_000;
    github.reachable.push(github.installation(1));
    expect(await exchange("77")).toEqual({ kind: "not_yours" });
    expect(calls().filter((call) => call.includes("installations"))).toHaveLength(2);
  });

  it("not within reasonable time for someone with more than ten thousand", async () => {
    const page = { total_count: 1_000_000, installations: [github.installation(1)] };
    github.answerNext("GET /user/installations", ...Array.from({ length: 200 }, () => ({ status: 200, body: page })));
    expect(await exchange("77")).toMatchObject({ kind: "unavailable", cause: "too_many_installations" });
    expect(calls().filter((call) => call.includes("installations"))).toHaveLength(100);
    expect(github.userTokens.size).toBe(0);
  });

  it("as suspended when it is", async () => {
    github.reachable.push(github.installation(77, { suspended_at: "2026-11-20T10:10:00Z" }));
    expect(await exchange("77")).toMatchObject({ connection: { installations: [{ suspended: true }] } });
  });

  it("not at all when nobody named it, and then nobody is asked", async () => {
    expect(await exchange(undefined)).toEqual({ kind: "person_must_act", code: "installation_missing" });
    expect(github.requests).toEqual([]);
  });

  it("once per code", async () => {
    github.reachable.push(github.installation(77));
    const request = {
      code: new Secret(github.issueCode()),
      codeVerifier: undefined,
      redirectUri,
      hint: "77",
      begunAt: new Date(),
    };
    expect((await create().exchange(request)).kind).toBe("connected");
    expect(await create().exchange(request)).toEqual({ kind: "code_rejected", code: "bad_verification_code" });
  });

  it("only with the verifier and the redirect URI of the same attempt", async () => {
    const code = () => new Secret(github.issueCode({ redirectUri, challenge }));
    const wrongVerifier = await create().exchange({
      code: code(),
      codeVerifier: undefined,
      redirectUri,
      hint: "77",
      begunAt: new Date(),
    });
    expect(wrongVerifier).toEqual({ kind: "code_rejected", code: "bad_verification_code" });
    const elsewhere = {
      code: code(),
      codeVerifier: verifier,
      redirectUri: "https://other.example/",
      hint: "77",
      begunAt: new Date(),
    };
    expect(await create().exchange(elsewhere)).toEqual({ kind: "misconfigured", code: "redirect_uri_mismatch" });
  });

  it("only for a registration that GitHub knows", async () => {
    const request = {
      code: new Secret(github.issueCode()),
      codeVerifier: undefined,
      redirectUri,
      hint: "77",
      begunAt: new Date(),
    };
    expect(await create({ clientSecret: new Secret("wrong") }).exchange(request)).toEqual({
      kind: "misconfigured",
      code: "incorrect_client_credentials",
    });
    expect(await create({ clientId: "Iv23liUnknown" }).exchange(request)).toEqual({
      kind: "misconfigured",
      code: "client_not_found",
    });
  });

  it.each([
    ["GET /user", { status: 502, body: "<html>" }, { kind: "unavailable", cause: "http_502" }],
    ["GET /user", { status: 401, body: { message: "Bad credentials" } }, { kind: "unavailable", cause: "http_401" }],
    [
      "GET /user/installations",
      { status: 403, body: { message: "no" }, headers: { "retry-after": "9" } },
      { kind: "rate_limited", retryAfterMs: 9000 },
    ],
    ["GET /user/installations", { status: 200, body: "<html>" }, { kind: "unavailable", cause: "unreadable_body" }],
    [
      "GET /user/installations",
      { status: 200, body: { installations: [{ id: 77, app_id: 4242 }] } },
      { kind: "unavailable", cause: "unreadable_body" },
    ],
  ])("not while %s answers %j, and the token is ended", async (route, answer, expected) => {
    github.reachable.push(github.installation(77));
    github.answerNext(route, answer);
    expect(await exchange("77")).toMatchObject(expected);
    expect(github.userTokens.size).toBe(0);
  });

  it("even when the person's token cannot be ended", async () => {
    github.reachable.push(github.installation(77));
    github.answerNext(`DELETE /applications/${github.clientId}/token`, { status: 500 });
    expect((await exchange("77")).kind).toBe("connected");
  });
});

describe("a token is minted", () => {
  it("with the app's key, for nine minutes from a minute ago", async () => {
    const now = new Date("2026-11-20T10:10:00.789Z");
    github.clock = () => now;
    github.installations.push(github.installation(77));
    const outcome = await create({ now: () => now }).mint(credential("77"));
    if (outcome.kind !== "minted") throw new Error(outcome.kind);
    expect(outcome.tokens.token.value.reveal().length).toBeGreaterThan(400);
    expect(outcome.tokens.token.issuedAt).toEqual(now);
    expect(outcome.tokens.token.expiresAt).toEqual(new Date("2026-11-20T11:09:59.789Z"));
    expect(outcome.tokens.permissions).toEqual({ contents: "read", metadata: "read" });
    const [request] = github.requests;
    const jwt = (request?.headers.authorization ?? "").replace(/^Bearer /, "");
    const seconds = Date.parse("2026-11-20T10:10:00Z") / 1000;
    expect(decodeJwt(jwt)).toEqual({ iss: github.clientId, iat: seconds - 60, exp: seconds + 540 });
    const { protectedHeader } = await jwtVerify(jwt, github.keys.publicKey, { currentDate: now });
    expect(protectedHeader.alg).toBe("RS256");
    expect(request?.body).toEqual({});
  });

  it.each([
    ["PKCS#1", (pem: GithubCounterpart["keys"]) => pem.privateKey.export({ type: "pkcs1", format: "pem" }).toString()],
    ["PKCS#8", (pem: GithubCounterpart["keys"]) => pem.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    [
      "one line with literal line breaks",
      (pem: GithubCounterpart["keys"]) =>
        ` ${pem.privateKey.export({ type: "pkcs1", format: "pem" }).toString().replaceAll("\n", "\\n")}\n`,
    ],
  ])("with a key in %s", async (_, spell) => {
    github.installations.push(github.installation(77));
    const outcome = await create({ privateKey: new Secret(spell(github.keys)) }).mint(credential("77"));
    expect(outcome.kind).toBe("minted");
  });

  it.each(["", "not a key", "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----"])(
    "never with %j, which is refused at once and not repeated",
    (pem) => {
      const start = () => create({ privateKey: new Secret(pem) });
      expect(start).toThrow(/^the private key of the GitHub App is not an RSA key of at least 2048 bits in PEM form$/);
    },
  );

  it("never with the public half", () => {
    const pem = github.keys.publicKey.export({ type: "spki", format: "pem" }).toString();
    expect(() => create({ privateKey: new Secret(pem) })).toThrow(/private key/);
  });

  it("narrowed to repositories and permissions", async () => {
    github.installations.push(github.installation(77));
    const narrowing = { ...noNarrowing, repositoryIds: [5n, 6n], permissions: { contents: "read" } };
    const outcome = await create().mint(credential("77"), narrowing);
    expect(outcome).toMatchObject({ kind: "minted", tokens: { permissions: { contents: "read" } } });
    expect(github.requests[0]?.body).toEqual({ repository_ids: [5, 6], permissions: { contents: "read" } });
  });

  it("not when a narrow one comes back wide", async () => {
    github.installations.push(github.installation(77));
    const outcome = await create().mint(credential("77"), { ...noNarrowing, repositories: ["one"] });
    expect(outcome).toMatchObject({ kind: "unavailable", cause: "wider_than_requested" });
  });

  it("not when the answer is too large, which is no trouble of GitHub's", async () => {
    const body = { token: "t", permissions: { contents: "x".repeat(1_100_000) } };
    github.answerNext("POST /app/installations/77/access_tokens", { status: 201, body });
    const narrowing = { ...noNarrowing, repositories: ["one"] };
    expect(await create().mint(credential("77"), narrowing)).toEqual({ kind: "refused", code: "answer_too_large" });
  });

  it("not for a repository that cannot exist, without asking", async () => {
    const outcome = await create().mint(credential("77"), { ...noNarrowing, repositoryIds: [2n ** 60n] });
    expect(outcome).toEqual({ kind: "not_granted" });
    expect(github.requests).toEqual([]);
  });

  it("not blaming a narrowing that narrows nothing", async () => {
    github.installations.push(github.installation(77));
    github.answerNext("POST /app/installations/77/access_tokens", { status: 422, body: { message: "x" } });
    expect(await create().mint(credential("77"), noNarrowing)).toMatchObject({
      kind: "unavailable",
      cause: "http_422",
    });
  });

  it.each([-1, 1])("although our clock is wrong by %i hours", async (hours) => {
    github.installations.push(github.installation(77));
    const wrong = () => new Date(Date.now() + hours * 3_600_000);
    const app = create({ now: wrong });
    const outcome = await app.mint(credential("77"));
    if (outcome.kind !== "minted") throw new Error(outcome.kind);
    expect(calls()).toHaveLength(2);
    const { issuedAt, expiresAt } = outcome.tokens.token;
    expect(Math.abs(issuedAt.getTime() - wrong().getTime()), "counted on our clock").toBeLessThan(60_000);
    expect(Math.abs(expiresAt!.getTime() - issuedAt.getTime() - 3_600_000)).toBeLessThan(3_000);
    await app.mint(credential("77"));
    expect(calls(), "GitHub's time is remembered").toHaveLength(3);
  });

  it("not when GitHub keeps blaming the clock: one more try is all", async () => {
    const message = "'Expiration time' claim ('exp') is too far in the future";
    const answer = { status: 401, body: { message } };
    github.answerNext("POST /app/installations/77/access_tokens", answer, answer, answer);
    expect(await create().mint(credential("77"))).toEqual({ kind: "misconfigured", code: "clock_drift" });
    expect(calls()).toHaveLength(2);
  });

  it("in the name of the app id where only that is known, which is remembered", async () => {
    github.onlyAppId = true;
    github.installations.push(github.installation(77));
    const platform = create();
    expect((await platform.mint(credential("77"))).kind).toBe("minted");
    expect(calls()).toHaveLength(2);
    expect((await platform.mint(credential("77"))).kind).toBe("minted");
    expect(calls()).toHaveLength(3);
  });

  it("in the name of the app id also where that is learnt while the answer is on its way", async () => {
    github.onlyAppId = true;
    github.installations.push(github.installation(77));
    const learnt = createGate();
    let asked = 0;
    const platform = create({
      fetch: async (input, init) => {
        if (asked++ === 0) await learnt.opened;
        return fetch(input, init);
      },
    });
    const slow = platform.mint(credential("77"));
    await until(() => asked === 1, "the slow one is on its way");
    expect((await platform.mint(credential("77"))).kind).toBe("minted");
    learnt.open();
    expect((await slow).kind).toBe("minted");
  });

  it.each(["clock", "issuer"])(
    "in the name of the app id although our clock is wrong too, the %s first",
    async (first) => {
      github.onlyAppId = true;
      github.installations.push(github.installation(77));
      const blamed = { status: 401, body: { message: "'Issuer' claim ('iss') must be an Integer" } };
      if (first === "issuer") github.answerNext("POST /app/installations/77/access_tokens", blamed);
      const platform = create({ now: () => new Date(Date.now() - 3_600_000) });
      expect((await platform.mint(credential("77"))).kind).toBe("minted");
      expect(calls()).toHaveLength(3);
      expect((await platform.mint(credential("77"))).kind).toBe("minted");
      expect(calls()).toHaveLength(4);
    },
  );

  it("not with another app's key or client id, which harms no installation", async () => {
    github.installations.push(github.installation(77));
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const other = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
    const otherKey = create({ privateKey: new Secret(other) });
    for (const asked of [2, 4]) {
      expect(await otherKey.mint(credential("77"))).toEqual({ kind: "misconfigured", code: "app_key_refused" });
      expect(calls(), "a name that helped nothing is not kept").toHaveLength(asked);
    }
    expect(await create({ clientId: "Iv23liOther" }).mint(credential("77"))).toEqual({
      kind: "misconfigured",
      code: "app_not_found",
    });
    expect(calls()).toHaveLength(5);
  });

  it("not while the installation is suspended", async () => {
    github.installations.push(github.installation(77, { suspended_at: "2026-11-20T10:10:00Z" }));
    expect(await create().mint(credential("77"))).toEqual({ kind: "suspended" });
  });

  it("not when nothing listens, and then surely nothing was sent", async () => {
    const platform = create();
    await github.stop();
    expect(await platform.mint(credential("77"))).toEqual({
      kind: "unavailable",
      cause: "ECONNREFUSED",
      mayHaveBeenProcessed: false,
      retryAfterMs: undefined,
    });
    await github.start();
  });
});

describe("a 404 at minting", () => {
  it("is final once the installation is gone and the app is still ours", async () => {
    expect(await create().mint(credential("77"))).toEqual({ kind: "rejected", code: "installation_removed" });
    expect(calls()).toEqual(["POST /app/installations/77/access_tokens", "GET /app/installations/77", "GET /app"]);
  });

  it.each([
    [
      { status: 200, body: { id: 4243 } },
      { kind: "misconfigured", code: "app_id_mismatch" },
    ],
    [
      { status: 404, body: { message: "Not Found" } },
      { kind: "misconfigured", code: "app_not_found" },
    ],
    [
      { status: 401, body: { message: "Bad credentials" } },
      { kind: "misconfigured", code: "app_key_refused" },
    ],
    [
      { status: 200, body: "<html>" },
      { kind: "unavailable", cause: "unreadable_body" },
    ],
    [
      { status: 503, body: "<html>" },
      { kind: "unavailable", cause: "http_503" },
    ],
  ])("is not believed when GET /app answers %j", async (answer, expected) => {
    github.answerNext("GET /app", answer);
    expect(await create().mint(credential("77"))).toMatchObject(expected);
  });

  it.each([
    [
      { status: 200, body: { id: 77, suspended_at: null } },
      { kind: "unavailable", cause: "installation_not_ready" },
    ],
    [{ status: 200, body: { id: 77, suspended_at: "2026-11-20T10:10:00Z" } }, { kind: "suspended" }],
    [
      { status: 200, body: "<html>" },
      { kind: "unavailable", cause: "unreadable_body" },
    ],
    [
      { status: 500, body: { message: "x" } },
      { kind: "unavailable", cause: "http_500" },
    ],
    [
      { status: 401, body: { message: "Bad credentials" } },
      { kind: "misconfigured", code: "app_key_refused" },
    ],
    [
      { status: 404, body: { message: "Integration not found" } },
      { kind: "misconfigured", code: "app_not_found" },
    ],
    [
      { status: 429, headers: { "retry-after": "2" } },
      { kind: "rate_limited", retryAfterMs: 2000 },
    ],
  ])("is not believed when the installation answers %j", async (answer, expected) => {
    github.answerNext("GET /app/installations/77", answer);
    expect(await create().mint(credential("77"))).toMatchObject(expected);
  });
});

describe("revoking", () => {
  it("uninstalls, and has nothing left to do the second time", async () => {
    github.installations.push(github.installation(77), github.installation(78));
    expect(await create().revoke(credential("77"))).toEqual({ kind: "revoked" });
    expect(github.installations.map(({ id }) => id)).toEqual([78]);
    expect(await create().revoke(credential("77"))).toEqual({ kind: "revoked" });
  });

  it.each([
    [{ status: 500 }, "http_500"],
    [{ status: 401, body: { message: "Bad credentials" } }, "app_key_refused"],
    [{ status: 404, body: { message: "Integration not found" } }, "app_not_found"],
    [{ status: 429 }, "rate_limited"],
    [{ status: 302, headers: { location: "https://elsewhere.example/" } }, "http_302"],
  ])("fails when GitHub answers %j", async (answer, cause) => {
    github.answerNext("DELETE /app/installations/77", answer);
    expect(await create().revoke(credential("77"))).toEqual({ kind: "failed", cause });
  });
});
