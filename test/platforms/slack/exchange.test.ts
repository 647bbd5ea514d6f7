import { describe, expect, it } from "vitest";
import type { Connection } from "../../../src/domain/model/connection.ts";
import type { PlatformReply } from "../../../src/platforms/http.ts";
import { parseSlackExchange, slackCodeRequest } from "../../../src/platforms/slack/exchange.ts";
import { Secret } from "../../../src/secret.ts";

/** By the platform's clock; ours is two hours ahead. */
const receivedAt = new Date("2026-10-10T12:00:00Z");
const sentAt = new Date("2026-10-10T14:00:00.250Z");

function reply(body: unknown, status = 200, headers: Record<string, string> = {}): PlatformReply {
  return { kind: "reply", status, headers: new Headers(headers), body, sentAt, receivedAt };
}

/** An answer as the documentation shows it: bot and person, rotation on, inside Enterprise Grid. */
const both = {
  ok: true,
  access_token: "xoxe.xoxb-1-bot",
  token_type: "bot",
  scope: "commands,chat:write",
  expires_in: 43200,
  refresh_token: "xoxe-1-bot",
  bot_user_id: "U0KRQLJ9H",
  app_id: "A0KRD7HC3",
  team: { id: "T9TK3CUKW", name: "Workspace" },
  enterprise: { id: "E12345678", name: "Org" },
  is_enterprise_install: false,
  authed_user: {
    id: "U1234",
    scope: "search:read",
    access_token: "xoxe.xoxp-1-user",
    token_type: "user",
    expires_in: 43200,
    refresh_token: "xoxe-1-user",
  },
  incoming_webhook: { url: "https://hooks.slack.com/services/T/B/hidden", channel: "#x", channel_id: "C1" },
};

/** Bot only, rotation off, outside Grid. */
const bot = {
  ok: true,
  access_token: "xoxb-bot",
  token_type: "bot",
  scope: "chat:write",
  bot_user_id: "U0KRQLJ9H",
  app_id: "A0KRD7HC3",
  team: { id: "T9TK3CUKW", name: "Workspace" },
  enterprise: null,
  is_enterprise_install: false,
  authed_user: { id: "U1234" },
};

/** Person only, rotation off. */
const user = {
  ok: true,
  app_id: "A0KRD7HC3",
  team: { id: "T9TK3CUKW", name: "Workspace" },
  enterprise: null,
  is_enterprise_install: false,
  authed_user: { id: "U1234", scope: "search:read", access_token: "xoxp-user", token_type: "user" },
};

function connected(body: unknown): Connection {
  const outcome = parseSlackExchange(reply(body));
  if (outcome.kind !== "connected") throw new Error(JSON.stringify(outcome));
  return outcome.connection;
}

describe("the exchange request", () => {
  it("is a form with HTTP Basic, the secret not among the fields", () => {
    const client = { clientId: "12345.67890", clientSecret: new Secret("0a1b2c"), slackUrl: "https://slack.com" };
    const request = slackCodeRequest(client, {
      code: new Secret("c0de"),
      redirectUri: "https://tokens.example/oauth/callback/slack",
    });
    expect(request.method).toBe("POST");
    expect(request.url).toBe("https://slack.com/api/oauth.v2.access");
    expect(request.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(request.headers.authorization).toBe(`Basic ${Buffer.from("12345.67890:0a1b2c").toString("base64")}`);
    expect(Object.fromEntries(new URLSearchParams(request.body))).toEqual({
      code: "c0de",
      redirect_uri: "https://tokens.example/oauth/callback/slack",
    });
  });
});

describe("an exchange", () => {
  it("with bot and person gives one installation and two credentials, each rotating by itself", () => {
    const { installations, credentials } = connected(both);
    expect(installations).toEqual([
      {
        products: ["slack"],
        externalOrgId: "T9TK3CUKW",
        externalOrgName: "Workspace",
        externalInstallId: undefined,
        externalUserId: undefined,
        scopes: ["commands", "chat:write"],
        permissions: {},
        installedBy: "U1234",
        metadata: {
          team_id: "T9TK3CUKW",
          enterprise_id: "E12345678",
          app_id: "A0KRD7HC3",
          bot_user_id: "U0KRQLJ9H",
        },
        suspended: false,
      },
    ]);
    expect(credentials).toMatchObject([
      { kind: "rotating", actor: "app", subject: "T9TK3CUKW:bot", externalUserId: undefined, natural: true },
      { kind: "rotating", actor: "user", subject: "T9TK3CUKW:U1234", externalUserId: "U1234", natural: false },
    ]);
    const [botTokens, userTokens] = credentials.map((credential) => credential.tokens);
    expect(botTokens?.token.value.reveal()).toBe("xoxe.xoxb-1-bot");
    expect(botTokens?.refreshToken?.reveal()).toBe("xoxe-1-bot");
    expect(botTokens?.token.expiresAt).toEqual(new Date("2026-10-11T02:00:00.250Z"));
    expect(userTokens?.token.value.reveal()).toBe("xoxe.xoxp-1-user");
    expect(userTokens?.refreshToken?.reveal()).toBe("xoxe-1-user");
    expect(userTokens?.scopes).toEqual(["search:read"]);
  });

  it("keeps the incoming webhook's URL to nobody", () => {
    expect(JSON.stringify(connected(both))).not.toContain("hooks.slack.com");
  });

  it("without rotation gives a long-lived token", () => {
    const { installations, credentials } = connected(bot);
    expect(credentials).toMatchObject([
      {
        kind: "long_lived",
        actor: "app",
        subject: "T9TK3CUKW:bot",
        natural: true,
        tokens: { refreshToken: undefined },
      },
    ]);
    expect(credentials[0]?.tokens?.token.expiresAt).toBeUndefined();
    expect(installations[0]?.metadata).toEqual({
      team_id: "T9TK3CUKW",
      app_id: "A0KRD7HC3",
      bot_user_id: "U0KRQLJ9H",
    });
  });

  it("can rotate for one of the two only", () => {
    const { credentials } = connected({ ...bot, authed_user: both.authed_user });
    expect(credentials.map((credential) => credential.kind)).toEqual(["long_lived", "rotating"]);
  });

  it("without bot scopes serves the person by default", () => {
    const { installations, credentials } = connected(user);
    expect(credentials).toMatchObject([
      { kind: "long_lived", actor: "user", subject: "T9TK3CUKW:U1234", externalUserId: "U1234", natural: true },
    ]);
    expect(installations[0]?.scopes).toEqual(["search:read"]);
    expect(installations[0]?.externalUserId).toBeUndefined();
  });

  it("for a whole organization is kept under the enterprise", () => {
    const { installations, credentials } = connected({ ...both, team: null, is_enterprise_install: true });
    expect(installations[0]).toMatchObject({
      externalOrgId: "E12345678",
      externalOrgName: "Org",
      metadata: { enterprise_id: "E12345678", is_enterprise_install: "true" },
    });
    expect(installations[0]?.metadata).not.toHaveProperty("team_id");
    expect(credentials.map(({ subject }) => subject)).toEqual(["E12345678:bot", "E12345678:U1234"]);
  });

  it("that names no workspace is the organization's, whatever the flag says", () => {
    const { installations } = connected({ ...both, team: null });
    expect(installations[0]).toMatchObject({
      externalOrgId: "E12345678",
      metadata: { is_enterprise_install: "true" },
    });
  });

  it("that names a workspace of an organization that was installed as a whole is the organization's", () => {
    const { installations } = connected({ ...both, is_enterprise_install: true });
    expect(installations[0]?.externalOrgId).toBe("E12345678");
  });

  it.each([
    ["nothing but ok", { ok: true }],
    ["no token", { ...bot, access_token: undefined }],
    ["no organization", { ...bot, team: null }],
    ["only a nameless person's token", { ...user, authed_user: { ...user.authed_user, id: undefined } }],
    ["a person's token where the bot's belongs", { ...bot, token_type: "user" }],
  ])("with %s is not believed", (_, body) => {
    expect(parseSlackExchange(reply(body))).toMatchObject({
      kind: "unavailable",
      cause: "unreadable_body",
      mayHaveBeenProcessed: true,
    });
  });
});

describe("a refused exchange", () => {
  it.each([
    "bad_client_secret",
    "bad_redirect_uri",
    "invalid_client_id",
    "invalid_code_verifier",
    "invalid_grant_type",
    "no_scopes",
    "pkce_not_allowed",
    "preview_feature_not_available",
  ])("for %s accuses our registration", (error) => {
    expect(parseSlackExchange(reply({ ok: false, error }))).toEqual({ kind: "misconfigured", code: error });
  });

  it.each([
    "cannot_install_an_org_installed_app",
    "code_already_used",
    "invalid_code",
    "oauth_authorization_url_mismatch",
  ])("for %s asks to start again", (error) => {
    expect(parseSlackExchange(reply({ ok: false, error }))).toEqual({ kind: "code_rejected", code: error });
  });

  it("for an unverified email address asks the person to verify it", () => {
    expect(parseSlackExchange(reply({ ok: false, error: "user_email_unverified" }))).toEqual({
      kind: "person_must_act",
      code: "unverified_email",
    });
  });

  it.each([
    "accesslimited",
    "fatal_error",
    "internal_error",
    "invalid_arguments",
    "org_login_required",
    "request_timeout",
    "service_unavailable",
    "something_new",
    "team_added_to_org",
  ])("for %s proves nothing", (error) => {
    expect(parseSlackExchange(reply({ ok: false, error }))).toEqual({
      kind: "unavailable",
      retryAfterMs: undefined,
      mayHaveBeenProcessed: true,
      cause: error,
    });
  });

  it.each([
    [200, { ok: false, error: "ratelimited" }],
    [429, { ok: false, error: "ratelimited" }],
    [429, undefined],
  ])("with %i and %o is a rate limit", (status, body) => {
    expect(parseSlackExchange(reply(body, status, { "retry-after": "3" }))).toEqual({
      kind: "rate_limited",
      retryAfterMs: 3_000,
    });
  });
});
