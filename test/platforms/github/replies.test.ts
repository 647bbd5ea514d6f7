import { describe, expect, it } from "vitest";
import type { Narrowing } from "../../../src/domain/model/platform.ts";
import { rateLimit } from "../../../src/platforms/github/api.ts";
import { parseTokenCheck, parseTokenDeletion } from "../../../src/platforms/github/application-token.ts";
import { buildMintBody, parseMint } from "../../../src/platforms/github/installation-token.ts";
import { parseUser } from "../../../src/platforms/github/user.ts";
import { parseInstallation, parseInstallationsPage } from "../../../src/platforms/github/user-installations.ts";
import { parseExchangeError, parseRefreshError, parseTokens } from "../../../src/platforms/github/user-token.ts";
import type { Reply } from "../../../src/platforms/http.ts";

/** By the platform's clock; ours is two hours ahead. */
const receivedAt = new Date("2026-11-20T10:10:00Z");
const sentAt = new Date("2026-11-20T12:10:00.250Z");

function reply(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return { kind: "reply", status, body, headers: new Headers(headers), sentAt, receivedAt };
}

function unavailable(cause: string) {
  return { kind: "unavailable", cause, mayHaveBeenProcessed: true, retryAfterMs: undefined };
}

const html = undefined;

describe("the token endpoint", () => {
  it("gives an OAuth App's token without expiry and with scopes separated by commas", () => {
    const body = { access_token: "gho_16C7e42F292c6912E7710c838347Ae178B4a", scope: "repo,gist", token_type: "bearer" };
    const answer = parseTokens(reply(200, body));
    if (answer.kind !== "tokens") throw new Error(answer.kind);
    expect(answer.tokens.token.value.reveal()).toBe(body.access_token);
    expect(answer.tokens.token.issuedAt).toEqual(sentAt);
    expect(answer.tokens.token.expiresAt).toBeUndefined();
    expect(answer.tokens.refreshToken).toBeUndefined();
    expect(answer.tokens.grantExpiresAt).toBeUndefined();
    expect(answer.tokens.scopes).toEqual(["repo", "gist"]);
  });

  it.each([
    [28800, 15897600],
    ["28800", "15897600"],
  ])("counts expiry from when it was asked for, spelled %j", (expires_in, refresh_token_expires_in) => {
    const body = {
      access_token: "ghu_x",
      expires_in,
      refresh_token: "ghr_y",
      refresh_token_expires_in,
      scope: "",
      token_type: "bearer",
    };
    const answer = parseTokens(reply(200, body));
    if (answer.kind !== "tokens") throw new Error(answer.kind);
    expect(answer.tokens.token.expiresAt).toEqual(new Date("2026-11-20T20:10:00.250Z"));
    expect(answer.tokens.grantExpiresAt).toEqual(new Date("2027-05-23T12:10:00.250Z"));
    expect(answer.tokens.refreshToken?.reveal()).toBe("ghr_y");
    expect(answer.tokens.scopes).toBeUndefined();
  });

  it.each([[0], [-5], [1e300], ["9999999999999999999999"]])(
    "without a refresh token takes an expires_in of %j for no end",
    (expires_in) => {
      const answer = parseTokens(reply(200, { access_token: "ghu_x", expires_in, token_type: "bearer" }));
      expect(answer.kind === "tokens" && answer.tokens.token).toMatchObject({ expiresAt: undefined });
    },
  );

  it.each([["soon"], [null], [{}], [""]])("takes an expires_in of %j for none", (expires_in) => {
    const answer = parseTokens(reply(200, { access_token: "ghu_x", expires_in, token_type: "bearer" }));
    expect(answer.kind === "tokens" && answer.tokens.token).toMatchObject({ expiresAt: undefined });
  });

  it.each([
    ["an HTML page", 200, html, "unreadable_body"],
    ["an array", 200, ["access_token"], "unreadable_body"],
    ["a string", 200, "access_token=gho_x", "unreadable_body"],
    ["an empty object", 200, {}, "unreadable_body"],
    ["a token that is no string", 200, { access_token: 5, token_type: "bearer" }, "unreadable_body"],
    ["an empty token", 200, { access_token: "", token_type: "bearer" }, "unreadable_body"],
    ["another kind of token", 200, { access_token: "x", token_type: "mac" }, "unreadable_body"],
    ["a page that is missing", 404, html, "http_404"],
    ["a server error, whatever its body", 502, { error: "bad_refresh_token" }, "http_502"],
    ["a token with a server error", 500, { access_token: "gho_x" }, "http_500"],
  ])("finds no answer in %s", (_, status, body, cause) => {
    expect(parseTokens(reply(status, body))).toEqual(unavailable(cause));
  });

  it("blames our client id when GitHub has no page for it", () => {
    const answer = parseTokens(reply(404, { error: "Not Found" }));
    expect(answer).toEqual({ kind: "misconfigured", code: "client_not_found" });
  });

  it("takes a refusal with status 200 or 400 for a refusal", () => {
    expect(parseTokens(reply(200, { error: "bad_refresh_token" }))).toEqual({
      kind: "error",
      code: "bad_refresh_token",
    });
    expect(parseTokens(reply(400, { error: "bad_refresh_token" }))).toEqual({
      kind: "error",
      code: "bad_refresh_token",
    });
  });

  it("waits when it is limited, even with an error in the body", () => {
    const answer = parseTokens(reply(429, { error: "bad_refresh_token" }, { "retry-after": "7" }));
    expect(answer).toEqual({ kind: "rate_limited", retryAfterMs: 7000 });
  });

  it.each([
    ["bad_verification_code", { kind: "code_rejected", code: "bad_verification_code" }],
    ["incorrect_client_credentials", { kind: "misconfigured", code: "incorrect_client_credentials" }],
    ["redirect_uri_mismatch", { kind: "misconfigured", code: "redirect_uri_mismatch" }],
    ["application_suspended", { kind: "misconfigured", code: "application_suspended" }],
    ["unsupported_grant_type", { kind: "misconfigured", code: "unsupported_grant_type" }],
    ["unverified_user_email", { kind: "person_must_act", code: "unverified_email" }],
    ["bad_refresh_token", unavailable("bad_refresh_token")],
    ["slow_down", unavailable("slow_down")],
    ["Oops <b>", unavailable("unknown_error")],
  ])("reads %s at an exchange", (code, expected) => {
    expect(parseExchangeError(code)).toEqual(expected);
  });

  it.each([
    ["bad_refresh_token", { kind: "rejected", code: "bad_refresh_token" }],
    ["incorrect_client_credentials", { kind: "misconfigured", code: "incorrect_client_credentials" }],
    ["unsupported_grant_type", { kind: "misconfigured", code: "unsupported_grant_type" }],
    ["bad_verification_code", unavailable("bad_verification_code")],
    ["unverified_user_email", unavailable("unverified_user_email")],
    ["invalid_grant", unavailable("invalid_grant")],
  ])("reads %s at a refresh", (code, expected) => {
    expect(parseRefreshError(code)).toEqual(expected);
  });
});

describe("an installation token", () => {
  const none: Narrowing = { repositoryIds: [], repositories: [], permissions: {} };
  const permissions = { contents: "read", metadata: "read" };
  const body = { token: "ghs_abc", expires_at: "2026-11-20T11:10:00Z", permissions, repository_selection: "selected" };
  const hello = { id: 1296269, name: "Hello-World", full_name: "octocat/Hello-World" };

  it("is opaque: a stateless one of 520 characters with dots is as good as a short one", () => {
    const token = `ghs_4242_${"a".repeat(170)}.${"b-_".repeat(56)}.${"c".repeat(171)}`;
    expect(token).toHaveLength(520);
    const answer = parseMint(reply(201, { ...body, token }), undefined);
    if (answer.kind !== "minted") throw new Error(answer.kind);
    expect(answer.tokens.token.value.reveal()).toBe(token);
    expect(answer.tokens.token.issuedAt).toEqual(sentAt);
    expect(answer.tokens.token.expiresAt).toEqual(new Date("2026-11-20T13:09:59.250Z"));
    expect(answer.tokens.permissions).toEqual(permissions);
  });

  it("leaves the known permissions alone when the answer names none", () => {
    const answer = parseMint(reply(201, { token: "ghs_x", expires_at: "2026-11-20T11:10:00Z" }), undefined);
    expect(answer).toMatchObject({ kind: "minted", tokens: { permissions: undefined } });
  });

  it.each([
    ["an HTML page", html],
    ["an array", [body]],
    ["no token", { expires_at: "2026-11-20T11:10:00Z" }],
    ["no expiry", { token: "ghs_x" }],
    ["an unreadable expiry", { token: "ghs_x", expires_at: "tomorrow" }],
  ])("is not found in %s", (_, answer) => {
    expect(parseMint(reply(201, answer), undefined)).toEqual(unavailable("unreadable_body"));
  });

  it.each([
    [401, { message: "A JSON web token could not be decoded" }, {}, { kind: "misconfigured", code: "app_key_refused" }],
    [401, { message: "Bad credentials" }, {}, { kind: "misconfigured", code: "app_key_refused" }],
    [
      401,
      { message: "'Expiration time' claim ('exp') is too far in the future" },
      {},
      { kind: "misconfigured", code: "clock_drift" },
    ],
    [403, { message: "This installation has been suspended" }, {}, { kind: "suspended" }],
    [
      403,
      { message: "This installation has been suspended" },
      { "retry-after": "3" },
      { kind: "rate_limited", retryAfterMs: 3000 },
    ],
    [403, { message: "Resource not accessible by integration" }, {}, unavailable("http_403")],
    [403, html, {}, unavailable("http_403")],
    [404, { message: "Not Found" }, {}, { kind: "not_found" }],
    [404, html, {}, { kind: "not_found" }],
    [404, { message: "Integration not found" }, {}, { kind: "misconfigured", code: "app_not_found" }],
    [422, { message: "Unprocessable" }, {}, unavailable("http_422")],
    [429, { message: "slow" }, {}, { kind: "rate_limited", retryAfterMs: 60_000 }],
    [500, { message: "Server Error" }, {}, unavailable("http_500")],
    [200, body, {}, unavailable("unreadable_body")],
  ])("is answered with %i %j %j", (status, answer, headers, expected) => {
    expect(parseMint(reply(status, answer, headers as Record<string, string>), undefined)).toEqual(expected);
  });

  it("is not granted when a narrowing meets 422", () => {
    const answer = { message: "The permissions requested are not granted to this installation." };
    expect(parseMint(reply(422, answer), { ...none, permissions: { issues: "write" } })).toEqual({
      kind: "not_granted",
    });
  });

  it.each([
    ["a permission that was not asked for", { permissions: { contents: "read" } }, { permissions: { issues: "read" } }],
    ["a higher level", { permissions: { contents: "read" } }, { permissions: { contents: "write" } }],
    ["a level nobody knows", { permissions: { contents: "admin" } }, { permissions: { contents: "owner" } }],
    ["metadata to be written", { permissions: { contents: "read" } }, { permissions: { metadata: "write" } }],
    ["no word about permissions", { permissions: { contents: "read" } }, { permissions: undefined }],
    ["another repository", { repositoryIds: [1296269n] }, { repositories: [hello, { id: 2, name: "other" }] }],
    ["another name", { repositories: ["hello-world"] }, { repositories: [{ id: 2, name: "other" }] }],
    ["all repositories", { repositoryIds: [1296269n] }, { repositories: [hello], repository_selection: "all" }],
    ["no word about repositories", { repositoryIds: [1296269n] }, {}],
  ])("is handed to nobody if it was to be narrow and has %s", (_, asked, answered) => {
    const answer = parseMint(reply(201, { ...body, ...answered }), { ...none, ...(asked as Partial<Narrowing>) });
    expect(answer).toEqual(unavailable("wider_than_requested"));
  });

  it.each([
    [{ permissions: { contents: "write" } }, { permissions: { contents: "read", metadata: "read" } }],
    [{ repositoryIds: [1296269n] }, { repositories: [hello] }],
    [{ repositories: ["hello-world"] }, { repositories: [hello] }],
    [{ repositories: ["hello-world"], permissions: { contents: "read" } }, { repositories: [hello] }],
  ])("is handed out if it is as narrow as asked (%#)", (asked, answered) => {
    const narrowing = { ...none, ...(asked as Partial<Narrowing>) };
    expect(parseMint(reply(201, { ...body, ...answered }), narrowing).kind).toBe("minted");
  });

  it("is asked for with repository ids as numbers", () => {
    const narrowing = { ...none, repositoryIds: [1296269n, 9007199254740991n], permissions: { contents: "read" } };
    expect(JSON.stringify(buildMintBody(narrowing))).toBe(
      '{"repository_ids":[1296269,9007199254740991],"permissions":{"contents":"read"}}',
    );
    expect(buildMintBody(undefined)).toEqual({});
    expect(buildMintBody(none)).toEqual({});
  });

  it("is not asked for with an id that a JSON number would turn into another one", () => {
    expect(buildMintBody({ ...none, repositoryIds: [9007199254740993n] })).toBeUndefined();
  });
});

describe("a rate limit", () => {
  it.each([
    [429, {}, {}, 60_000],
    [429, {}, { "x-ratelimit-remaining": "0" }, 60_000],
    [403, {}, { "retry-after": "30" }, 30_000],
    [403, {}, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795169460" }, 60_000],
    [429, {}, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" }, 0],
    [429, {}, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9795169460" }, 3_600_000],
    [429, {}, { "retry-after": "30", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795169460" }, 30_000],
    [403, { message: "You have exceeded a secondary rate limit. Please wait." }, {}, 60_000],
    [403, { message: "API rate limit exceeded for installation ID 7." }, {}, 60_000],
  ])("with %i %j %j", (status, body, headers, retryAfterMs) => {
    const limited = rateLimit(reply(status, body, headers as Record<string, string>));
    expect(limited).toEqual({ kind: "rate_limited", retryAfterMs });
  });

  it.each([
    [403, { message: "Resource not accessible by integration" }, { "x-ratelimit-remaining": "4999" }],
    [401, {}, { "retry-after": "30" }],
    [200, {}, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795169460" }],
  ])("is not seen in %i %j %j", (status, body, headers) => {
    expect(rateLimit(reply(status, body, headers as Record<string, string>))).toBeUndefined();
  });
});

describe("identity", () => {
  it("names a person by the numeric id and reads the granted scopes from the header", () => {
    const body = { login: "octocat", id: 1, type: "User", email: null };
    expect(parseUser(reply(200, body, { "x-oauth-scopes": "repo, user:email" }))).toEqual({
      kind: "user",
      id: "1",
      login: "octocat",
      type: "User",
      scopes: ["repo", "user:email"],
    });
    expect(parseUser(reply(200, body, { "x-oauth-scopes": "" }))).toMatchObject({ scopes: [] });
    expect(parseUser(reply(200, body))).toMatchObject({ scopes: undefined });
  });

  it.each([
    [401, { message: "Bad credentials" }, "http_401"],
    [200, html, "unreadable_body"],
    [200, [{ id: 1, login: "octocat" }], "unreadable_body"],
    [200, { login: "octocat" }, "unreadable_body"],
    [200, { id: 1 }, "unreadable_body"],
    [200, { id: 1.5, login: "octocat" }, "unreadable_body"],
  ])("stays unknown after %i %j", (status, body, cause) => {
    expect(parseUser(reply(status, body))).toEqual(unavailable(cause));
  });

  it("reads an installation of an organization", () => {
    const entry = {
      id: 77,
      app_id: 4242,
      target_id: 1001,
      target_type: "Organization",
      account: { login: "acme", id: 1001, type: "Organization" },
      repository_selection: "all",
      permissions: { contents: "read", issues: 5 },
      suspended_at: "2026-01-01T00:00:00Z",
    };
    expect(parseInstallation(entry, "octocat")).toEqual({
      products: ["github"],
      externalOrgId: "1001",
      externalOrgName: "acme",
      externalInstallId: "77",
      externalUserId: undefined,
      scopes: [],
      permissions: { contents: "read" },
      installedBy: "octocat",
      metadata: { account_type: "Organization", repository_selection: "all" },
      suspended: true,
    });
  });

  it("reads an installation of an enterprise, and one whose account is hidden", () => {
    const enterprise = { slug: "big", name: "Big Corp", id: 5 };
    const entry = { id: 77, target_id: 5, target_type: "Enterprise", suspended_at: null };
    expect(parseInstallation({ ...entry, account: enterprise }, "octocat")).toMatchObject({
      externalOrgId: "5",
      externalOrgName: "big",
      metadata: { account_type: "Enterprise" },
      suspended: false,
    });
    expect(parseInstallation({ ...entry, account: null }, "octocat")).toMatchObject({
      externalOrgId: "5",
      externalOrgName: "5",
    });
    expect(parseInstallation({ id: 77, account: null }, "octocat")).toBeUndefined();
  });

  it("reads a page of installations, and nothing from something else", () => {
    expect(parseInstallationsPage(reply(200, { total_count: 2, installations: [{ id: 1 }] }))).toEqual({
      kind: "page",
      entries: [{ id: 1 }],
      total: 2,
    });
    expect(parseInstallationsPage(reply(200, [{ id: 1 }]))).toEqual(unavailable("unreadable_body"));
    expect(parseInstallationsPage(reply(403, { message: "no" }))).toEqual(unavailable("http_403"));
  });
});

describe("a token that never expires", () => {
  it.each([
    [200, { id: 1, token: "gho_x" }, { kind: "confirmed" }],
    [200, html, unavailable("unreadable_body")],
    [404, { message: "Not Found" }, { kind: "rejected", code: "token_revoked" }],
    [404, html, unavailable("http_404")],
    [401, { message: "Bad credentials" }, { kind: "misconfigured", code: "client_credentials_refused" }],
    [422, { message: "Validation Failed" }, unavailable("http_422")],
    [403, { message: "rate limit" }, { kind: "rate_limited", retryAfterMs: 60_000 }],
    [503, html, unavailable("http_503")],
  ])("is checked with %i %j", (status, body, expected) => {
    expect(parseTokenCheck(reply(status, body))).toEqual(expected);
  });

  it.each([
    [204, undefined, { kind: "deleted" }],
    [404, { message: "Not Found" }, { kind: "already_invalid" }],
    [422, { message: "Validation Failed" }, { kind: "already_invalid" }],
    [404, html, { kind: "failed", cause: "http_404" }],
    [401, { message: "Bad credentials" }, { kind: "failed", cause: "client_credentials_refused" }],
    [429, {}, { kind: "failed", cause: "rate_limited" }],
    [500, {}, { kind: "failed", cause: "http_500" }],
  ])("is deleted with %i %j", (status, body, expected) => {
    expect(parseTokenDeletion(reply(status, body))).toEqual(expected);
  });
});

describe("the life of an installation token", () => {
  const end = "2026-11-20T11:10:00Z";
  const at = (time: string) => new Date(`2026-11-20T${time}Z`);
  it.each([
    ["GitHub's clock and ours agree", at("10:10:00"), at("10:10:00.900"), "2026-11-20T11:09:59.900Z"],
    ["ours is two hours ahead", at("10:10:00"), at("12:10:00.900"), "2026-11-20T13:09:59.900Z"],
    ["ours is ten minutes slow", at("10:10:00"), at("10:00:00.900"), "2026-11-20T10:59:59.900Z"],
    ["the token is old already", at("10:40:00"), at("10:40:00"), "2026-11-20T11:09:59.000Z"],
    ["it is old already, and ours is two hours ahead", at("10:40:00"), at("12:40:00"), "2026-11-20T13:09:59.000Z"],
    ["a proxy's Date is slow: no longer than an hour", at("10:00:00"), at("10:10:00"), "2026-11-20T11:09:59.000Z"],
    ["a proxy's Date is after the end: the usual hour", at("12:00:00"), at("10:10:00"), "2026-11-20T11:09:59.000Z"],
  ])("%s", (_, platformTime, ourTime, expected) => {
    const answer = parseMint(
      { ...reply(201, { token: "ghs_x", expires_at: end }), receivedAt: platformTime, sentAt: ourTime },
      undefined,
    );
    expect(answer.kind === "minted" && answer.tokens.token).toMatchObject({
      issuedAt: ourTime,
      expiresAt: new Date(expected),
    });
  });
});

describe("a user token with a refresh token", () => {
  it.each([undefined, null, 0, -5, 1e300, "soon"])("and expires_in %j lives the usual eight hours", (expires_in) => {
    const body = { access_token: "ghu_x", refresh_token: "ghr_y", expires_in, token_type: "bearer" };
    for (const answer of [
      parseTokens(reply(200, body)),
      parseTokens(reply(200, { ...body, refresh_token: undefined }), true),
    ]) {
      expect(answer.kind === "tokens" && answer.tokens.token.expiresAt).toEqual(new Date("2026-11-20T20:10:00.250Z"));
    }
  });
});
