import { describe, expect, it } from "vitest";
import {
  atlassianCodeRequest,
  atlassianRefreshRequest,
  atlassianRevokeRequest,
  parseAtlassianCodeRefusal,
  parseAtlassianGrant,
  parseAtlassianRefresh,
  parseAtlassianRevocation,
} from "../../../src/platforms/atlassian/token.ts";
import type { PlatformReply } from "../../../src/platforms/http.ts";
import { Secret } from "../../../src/secret.ts";

const client = {
  clientId: "client-1",
  clientSecret: new Secret("s3cret"),
  authUrl: "https://auth.atlassian.com",
};
/** By the platform's clock; ours is two hours ahead. */
const receivedAt = new Date("2026-10-10T12:00:00Z");
const sentAt = new Date("2026-10-10T14:00:00.250Z");
const lost: PlatformReply = {
  kind: "unavailable",
  retryAfterMs: undefined,
  mayHaveBeenProcessed: true,
  cause: "timeout",
};

function reply(status: number, body: unknown, headers: Record<string, string> = {}): PlatformReply {
  return { kind: "reply", status, headers: new Headers(headers), body, sentAt, receivedAt };
}

/** A token answer as the documentation shows it. */
const granted = {
  access_token: "eyJ.new-access",
  refresh_token: "new-refresh",
  expires_in: 3600,
  token_type: "Bearer",
  scope: "read:jira-work offline_access",
};

describe("requests to the token endpoint", () => {
  it("exchange a code as JSON, with the verifier where there is one", () => {
    const grant = { code: new Secret("c0de"), redirectUri: "https://tokens.example/oauth/callback/jira" };
    const request = atlassianCodeRequest(client, { ...grant, codeVerifier: new Secret("v3rifier") });
    expect(request).toMatchObject({ method: "POST", url: "https://auth.atlassian.com/oauth/token" });
    expect(request.headers["content-type"]).toBe("application/json");
    const body = {
      grant_type: "authorization_code",
      client_id: "client-1",
      client_secret: "s3cret",
      code: "c0de",
      redirect_uri: "https://tokens.example/oauth/callback/jira",
    };
    expect(JSON.parse(request.body ?? "")).toEqual({ ...body, code_verifier: "v3rifier" });
    const plain = atlassianCodeRequest(client, { ...grant, codeVerifier: undefined });
    expect(JSON.parse(plain.body ?? "")).toEqual(body);
  });

  it("refresh as JSON", () => {
    const request = atlassianRefreshRequest(client, new Secret("old-refresh"));
    expect(request.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(request.body ?? "")).toEqual({
      grant_type: "refresh_token",
      client_id: "client-1",
      client_secret: "s3cret",
      refresh_token: "old-refresh",
    });
  });

  it("revoke as form", () => {
    const request = atlassianRevokeRequest(client, new Secret("old-refresh"));
    expect(request).toMatchObject({ method: "POST", url: "https://auth.atlassian.com/oauth/revoke" });
    expect(request.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(Object.fromEntries(new URLSearchParams(request.body))).toEqual({
      client_id: "client-1",
      client_secret: "s3cret",
      token: "old-refresh",
    });
  });

  it("never have a secret in the URL", () => {
    const requests = [
      atlassianRefreshRequest(client, new Secret("old-refresh")),
      atlassianRevokeRequest(client, new Secret("old-refresh")),
    ];
    for (const { url } of requests) expect(url).not.toMatch(/s3cret|old-refresh/);
  });
});

describe("an answered refresh", () => {
  it("gives both tokens, counted from when it was asked", () => {
    const outcome = parseAtlassianRefresh(reply(200, granted));
    if (outcome.kind !== "minted") throw new Error(outcome.kind);
    const { token, refreshToken, ...rest } = outcome.tokens;
    expect(token.value.reveal()).toBe("eyJ.new-access");
    expect(refreshToken?.reveal()).toBe("new-refresh");
    expect(token.issuedAt).toEqual(sentAt);
    expect(token.expiresAt).toEqual(new Date("2026-10-10T15:00:00.250Z"));
    expect(rest).toEqual({
      scopes: ["read:jira-work", "offline_access"],
      permissions: undefined,
      grantExpiresAt: undefined,
    });
  });

  it("keeps the refresh token and the scopes we have when it names none", () => {
    const outcome = parseAtlassianRefresh(reply(200, { access_token: "a", expires_in: 3600 }));
    expect(outcome).toMatchObject({ kind: "minted", tokens: { refreshToken: undefined, scopes: undefined } });
  });

  it.each([
    [1800, "2026-10-10T14:30:00.250Z"],
    ["1800", "2026-10-10T14:30:00.250Z"],
    [undefined, "2026-10-10T15:00:00.250Z"],
    [null, "2026-10-10T15:00:00.250Z"],
    ["soon", "2026-10-10T15:00:00.250Z"],
    [0, "2026-10-10T15:00:00.250Z"],
    [-5, "2026-10-10T15:00:00.250Z"],
    [1e300, "2026-10-10T15:00:00.250Z"],
  ])("with expires_in %s ends at %s", (expiresIn, end) => {
    const outcome = parseAtlassianRefresh(reply(200, { ...granted, expires_in: expiresIn }));
    expect(outcome.kind === "minted" && outcome.tokens.token.expiresAt?.toISOString()).toBe(end);
  });

  it.each([400, 401, 403])("with %i invalid_grant is a refusal for good", (status) => {
    const body = { error: "invalid_grant", error_description: "Unknown or invalid refresh token." };
    expect(parseAtlassianRefresh(reply(status, body))).toEqual({ kind: "rejected", code: "invalid_grant" });
  });

  it.each([
    [401, "access_denied"],
    [401, "unauthorized_client"],
    [401, "invalid_client"],
    [403, "access_denied"],
    [403, "unauthorized_client"],
    [403, "invalid_client"],
  ])("with %i %s accuses our registration, not the grant", (status, error) => {
    expect(parseAtlassianRefresh(reply(status, { error }))).toEqual({ kind: "misconfigured", code: error });
  });

  it.each([
    [{ "retry-after": "30" }, 30_000],
    [{}, undefined],
  ])("with 429 and %o says how long to wait", (headers, retryAfterMs) => {
    const outcome = parseAtlassianRefresh(reply(429, { error: "invalid_grant" }, headers));
    expect(outcome).toEqual({ kind: "rate_limited", retryAfterMs });
  });

  it.each([
    [500, { error: "invalid_grant" }, "http_500"],
    [502, undefined, "http_502"],
    [503, { error: "server_error" }, "http_503"],
    [400, { error: "invalid_request" }, "invalid_request"],
    [400, { error: "brand_new_error" }, "brand_new_error"],
    [400, { error: "<b>not a word</b>" }, "http_400"],
    [403, undefined, "http_403"],
    [403, { message: "Forbidden" }, "http_403"],
    [404, { error: "invalid_grant" }, "http_404"],
    [408, undefined, "http_408"],
    [200, undefined, "unreadable_body"],
    [200, "OK", "unreadable_body"],
    [200, { error: "invalid_grant" }, "unreadable_body"],
    [200, { ...granted, access_token: "" }, "unreadable_body"],
    [200, [granted], "unreadable_body"],
  ])("with %i and %o says nothing about the grant", (status, body, cause) => {
    expect(parseAtlassianRefresh(reply(status, body))).toEqual({
      kind: "unavailable",
      retryAfterMs: undefined,
      mayHaveBeenProcessed: true,
      cause,
    });
  });

  it("with 503 passes on how long to wait", () => {
    const outcome = parseAtlassianRefresh(reply(503, undefined, { "retry-after": "7" }));
    expect(outcome).toMatchObject({ kind: "unavailable", retryAfterMs: 7_000 });
  });

  it("that never arrived stays what it was", () => {
    expect(parseAtlassianRefresh(lost)).toEqual(lost);
  });
});

describe("an answered code", () => {
  it.each([400, 403])("with %i invalid_grant is of no use", (status) => {
    const body = { error: "invalid_grant", error_description: "Invalid authorization code" };
    const grant = parseAtlassianGrant(reply(status, body));
    if (grant.kind !== "refused") throw new Error(grant.kind);
    expect(parseAtlassianCodeRefusal(grant)).toEqual({ kind: "code_rejected", code: "invalid_grant" });
  });
});

describe("an answered revocation", () => {
  it.each([
    [200, undefined, { kind: "revoked" }],
    [204, undefined, { kind: "revoked" }],
    [400, { error: "invalid_grant" }, { kind: "revoked" }],
    [403, { error: "invalid_grant" }, { kind: "revoked" }],
    [401, { error: "invalid_token" }, { kind: "revoked" }],
    [404, { error: "invalid_grant" }, { kind: "unsupported" }],
    [405, undefined, { kind: "unsupported" }],
    [501, undefined, { kind: "unsupported" }],
    [400, { error: "unsupported_token_type" }, { kind: "unsupported" }],
    [401, { error: "invalid_client" }, { kind: "failed", cause: "http_401" }],
    [400, undefined, { kind: "failed", cause: "http_400" }],
    [429, undefined, { kind: "failed", cause: "http_429" }],
    [500, { error: "invalid_grant" }, { kind: "failed", cause: "http_500" }],
  ])("with %i and %o is %o", (status, body, expected) => {
    expect(parseAtlassianRevocation(reply(status, body))).toEqual(expected);
  });

  it("that never arrived has failed", () => {
    expect(parseAtlassianRevocation(lost)).toEqual({ kind: "failed", cause: "timeout" });
  });
});
