import { describe, expect, it } from "vitest";
import type { PlatformReply } from "../../../src/platforms/http.ts";
import { parseSlackRevocation, slackRevokeRequest } from "../../../src/platforms/slack/revoke.ts";
import {
  parseSlackRefresh,
  parseSlackTest,
  slackRefreshRequest,
  slackTestRequest,
} from "../../../src/platforms/slack/token.ts";
import { Secret } from "../../../src/secret.ts";

const client = { clientId: "12345.67890", clientSecret: new Secret("0a1b2c"), slackUrl: "https://slack.com" };
/** By the platform's clock; ours is two hours ahead. */
const receivedAt = new Date("2026-10-10T12:00:00Z");
const sentAt = new Date("2026-10-10T14:00:00.250Z");
const lost: PlatformReply = {
  kind: "unavailable",
  retryAfterMs: undefined,
  mayHaveBeenProcessed: false,
  cause: "ECONNREFUSED",
};

function reply(body: unknown, status = 200, headers: Record<string, string> = {}): PlatformReply {
  return { kind: "reply", status, headers: new Headers(headers), body, sentAt, receivedAt };
}

const refreshed = {
  ok: true,
  access_token: "xoxe.xoxb-1-new",
  refresh_token: "xoxe-1-new",
  expires_in: 43200,
  token_type: "bot",
  scope: "chat:write,commands",
  app_id: "A0KRD7HC3",
  team: { id: "T9TK3CUKW", name: "Workspace" },
  enterprise: null,
  is_enterprise_install: false,
  bot_user_id: "U0KRQLJ9H",
};
const { access_token, refresh_token, expires_in, scope, ...shell } = refreshed;
const usersToken = { id: "U1234", access_token, refresh_token, expires_in, scope, token_type: "user" };

/** Answers in which Slack says nothing about a token. */
const silences: readonly (readonly [number, unknown, string])[] = [
  [200, { ok: false, error: "internal_error" }, "internal_error"],
  [200, { ok: false, error: "fatal_error" }, "fatal_error"],
  [200, { ok: false, error: "service_unavailable" }, "service_unavailable"],
  [200, { ok: false, error: "request_timeout" }, "request_timeout"],
  [200, { ok: false, error: "missing_scope" }, "missing_scope"],
  [200, { ok: false, error: "<b>not a word</b>" }, "unreadable_body"],
  [200, { ok: false }, "unreadable_body"],
  [200, { error: "token_revoked" }, "unreadable_body"],
  [200, { ok: "true" }, "unreadable_body"],
  [200, undefined, "unreadable_body"],
  [200, [], "unreadable_body"],
  [500, { ok: false, error: "token_revoked" }, "http_500"],
  [503, { ok: false, error: "invalid_refresh_token" }, "http_503"],
  [502, undefined, "http_502"],
  [400, { error: "invalid_grant" }, "http_400"],
  [403, { ok: false, error: "invalid_auth" }, "http_403"],
];

describe("a refresh", () => {
  it("is a form with HTTP Basic", () => {
    const request = slackRefreshRequest(client, new Secret("xoxe-1-old"));
    expect(request.url).toBe("https://slack.com/api/oauth.v2.access");
    expect(request.headers.authorization).toMatch(/^Basic /);
    expect(Object.fromEntries(new URLSearchParams(request.body))).toEqual({
      grant_type: "refresh_token",
      refresh_token: "xoxe-1-old",
    });
  });

  it("gives the bot its new pair", () => {
    const outcome = parseSlackRefresh(reply(refreshed), "app");
    if (outcome.kind !== "minted") throw new Error(outcome.kind);
    const { token, refreshToken, scopes } = outcome.tokens;
    expect(token.value.reveal()).toBe("xoxe.xoxb-1-new");
    expect(refreshToken?.reveal()).toBe("xoxe-1-new");
    expect(token.issuedAt).toEqual(sentAt);
    expect(token.expiresAt).toEqual(new Date("2026-10-11T02:00:00.250Z"));
    expect(scopes).toEqual(["chat:write", "commands"]);
  });

  it.each([
    ["at the top level", { ...shell, ...usersToken }],
    ["in authed_user", { ...shell, authed_user: usersToken }],
    ["in authed_user beside the bot's", { ...refreshed, access_token: "the bot's", authed_user: usersToken }],
  ])("gives a person their new pair %s", (_, body) => {
    const outcome = parseSlackRefresh(reply(body), "user");
    expect(outcome.kind === "minted" && outcome.tokens.token.value.reveal()).toBe("xoxe.xoxb-1-new");
  });

  it("never takes one actor's token for the other's", () => {
    const unreadable = { kind: "unavailable", cause: "unreadable_body", mayHaveBeenProcessed: true };
    expect(parseSlackRefresh(reply({ ...shell, ...usersToken }), "app")).toMatchObject(unreadable);
    expect(parseSlackRefresh(reply(refreshed), "user")).toMatchObject(unreadable);
  });

  it.each([
    [60, "2026-10-10T14:01:00.250Z"],
    [undefined, "2026-10-11T02:00:00.250Z"],
    [0, "2026-10-11T02:00:00.250Z"],
    [-1, "2026-10-11T02:00:00.250Z"],
    [1e300, "2026-10-11T02:00:00.250Z"],
  ])("with expires_in %s ends at %s", (seconds, end) => {
    const outcome = parseSlackRefresh(reply({ ...refreshed, expires_in: seconds }), "app");
    expect(outcome.kind === "minted" && outcome.tokens.token.expiresAt?.toISOString()).toBe(end);
  });

  it("is refused for good by what ends a grant, and by nothing else", () => {
    for (const code of ["invalid_refresh_token", "refresh_token_expired", "token_revoked", "account_inactive"]) {
      expect(parseSlackRefresh(reply({ ok: false, error: code }), "app")).toEqual({ kind: "rejected", code });
    }
    for (const error of ["invalid_auth", "invalid_code"]) {
      expect(parseSlackRefresh(reply({ ok: false, error }), "app")).toMatchObject({
        kind: "unavailable",
        cause: error,
      });
    }
  });

  it.each(["bad_client_secret", "invalid_client_id", "invalid_grant_type"])("answered %s accuses us", (error) => {
    expect(parseSlackRefresh(reply({ ok: false, error }), "app")).toEqual({ kind: "misconfigured", code: error });
  });

  it.each(silences)("answered %i with %o says nothing about the grant", (status, body, cause) => {
    expect(parseSlackRefresh(reply(body, status), "app")).toMatchObject({ kind: "unavailable", cause });
  });

  it("is rate limited by status or by word", () => {
    const limited = { kind: "rate_limited", retryAfterMs: 30_000 };
    const wait = { "retry-after": "30" };
    expect(parseSlackRefresh(reply(undefined, 429, wait), "app")).toEqual(limited);
    expect(parseSlackRefresh(reply({ ok: false, error: "ratelimited" }, 200, wait), "app")).toEqual(limited);
  });

  it("that never arrived stays what it was", () => {
    expect(parseSlackRefresh(lost, "app")).toEqual(lost);
  });
});

describe("the test of a long-lived token", () => {
  it("carries the token in the header", () => {
    expect(slackTestRequest(client, new Secret("xoxb-1"))).toMatchObject({
      method: "POST",
      url: "https://slack.com/api/auth.test",
      headers: { authorization: "Bearer xoxb-1" },
      body: "",
    });
  });

  it("confirms it", () => {
    expect(parseSlackTest(reply({ ok: true, team_id: "T9TK3CUKW" }))).toEqual({ kind: "confirmed", ofAnyClient: true });
  });

  it.each(["account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"])(
    "gives it up for %s",
    (error) => {
      expect(parseSlackTest(reply({ ok: false, error }))).toEqual({ kind: "rejected", code: error });
    },
  );

  it.each(silences)("answered %i with %o keeps it", (status, body, cause) => {
    expect(parseSlackTest(reply(body, status))).toMatchObject({ kind: "unavailable", cause });
  });

  it("can be rate limited", () => {
    expect(parseSlackTest(reply(undefined, 429))).toEqual({ kind: "rate_limited", retryAfterMs: undefined });
  });
});

describe("a revocation", () => {
  it("carries the token in the header", () => {
    expect(slackRevokeRequest("https://slack.com", new Secret("xoxb-1"))).toMatchObject({
      url: "https://slack.com/api/auth.revoke",
      headers: { authorization: "Bearer xoxb-1" },
    });
  });

  it.each([
    [{ ok: true, revoked: true }, { kind: "revoked" }],
    [{ ok: false, error: "token_revoked" }, { kind: "revoked" }],
    [{ ok: false, error: "invalid_auth" }, { kind: "revoked" }],
    [{ ok: false, error: "account_inactive" }, { kind: "revoked" }],
    [{ ok: false, error: "token_expired" }, { kind: "revoked" }],
    [{ ok: false, error: "unknown_method" }, { kind: "unsupported" }],
    [
      { ok: false, error: "not_authed" },
      { kind: "failed", cause: "not_authed" },
    ],
    [
      { ok: false, error: "internal_error" },
      { kind: "failed", cause: "internal_error" },
    ],
    [
      { ok: false, error: "ratelimited" },
      { kind: "failed", cause: "rate_limited" },
    ],
    [undefined, { kind: "failed", cause: "unreadable_body" }],
  ])("answered %o is %o", (body, expected) => {
    expect(parseSlackRevocation(reply(body))).toEqual(expected);
  });

  it("answered 500 has failed, whatever the body", () => {
    expect(parseSlackRevocation(reply({ ok: true }, 500))).toEqual({ kind: "failed", cause: "http_500" });
  });

  it("that never arrived has failed", () => {
    expect(parseSlackRevocation(lost)).toEqual({ kind: "failed", cause: "ECONNREFUSED" });
  });
});
