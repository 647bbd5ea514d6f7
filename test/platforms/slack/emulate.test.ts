import { createEmulator, type Emulator } from "emulate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Platform } from "../../../src/domain/model/platform.ts";
import { createSlack, type SlackOptions } from "../../../src/platforms/slack/slack.ts";
import { Secret } from "../../../src/secret.ts";

const redirectUri = "http://127.0.0.1:8010/oauth/callback/slack";
let emulator: Emulator;

beforeAll(async () => {
  emulator = await createEmulator({
    service: "slack",
    port: 0,
    seed: {
      slack: {
        team: { name: "Acme", domain: "acme" },
        users: [{ name: "ann", real_name: "Ann", email: "ann@example.com" }],
        oauth_apps: [
          {
            client_id: "12345.67890",
            client_secret: "0a1b2c3d",
            app_id: "A000000001",
            name: "Token Service",
            redirect_uris: [redirectUri],
            scopes: ["chat:write", "channels:read"],
            user_scopes: ["users:read"],
          },
        ],
      },
    },
  });
});
afterAll(() => emulator.close());

function slack(changes: Partial<SlackOptions> = {}): Platform {
  return createSlack({
    signingSecrets: [],
    clientId: "12345.67890",
    clientSecret: new Secret("0a1b2c3d"),
    scopes: ["chat:write", "channels:read"],
    userScopes: ["users:read"],
    slackUrl: emulator.url,
    fetch,
    now: () => new Date(),
    ...changes,
  });
}

/** What a person does: opens the page, picks the first account, is sent back with a code. */
async function consent(platform: Platform): Promise<Secret> {
  const url = platform.authorizationUrl({ state: "s", codeChallenge: undefined, redirectUri, hint: undefined });
  const page = await (await fetch(url)).text();
  const fields = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  const form = new URLSearchParams(fields.map(([, name = "", value = ""]): [string, string] => [name, value]));
  const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1] ?? "";
  const response = await fetch(new URL(action, emulator.url), { method: "POST", body: form, redirect: "manual" });
  const callback = platform.readCallback(new URL(response.headers.get("location") ?? "").searchParams, undefined);
  if (callback.kind !== "code") throw new Error(callback.kind);
  return callback.code;
}

function exchange(platform: Platform, code: Secret, to = redirectUri) {
  return platform.exchange({ code, codeVerifier: undefined, redirectUri: to, hint: undefined, begunAt: new Date() });
}

describe("against a Slack that others wrote", () => {
  it("an install gives a bot's and a person's token, and both work", async () => {
    const platform = slack();
    const outcome = await exchange(platform, await consent(platform));
    if (outcome.kind !== "connected") throw new Error(outcome.kind);
    const { installations, credentials } = outcome.connection;
    expect(installations).toMatchObject([
      { externalOrgName: "Acme", scopes: ["chat:write", "channels:read"], metadata: { app_id: "A000000001" } },
    ]);
    const org = installations[0]?.externalOrgId;
    const person = installations[0]?.installedBy;
    expect(credentials).toMatchObject([
      { kind: "long_lived", actor: "app", subject: `${org}:bot`, natural: true },
      { kind: "long_lived", actor: "user", subject: `${org}:${person}`, natural: false },
    ]);
    for (const { tokens, ...identity } of credentials) {
      const held = { ...identity, registration: undefined, accessToken: tokens?.token.value, refreshToken: undefined };
      expect(await platform.mint(held)).toEqual({ kind: "confirmed", ofAnyClient: true });
    }
  });

  it("an install without user scopes gives the bot's token alone", async () => {
    const platform = slack({ userScopes: [] });
    const outcome = await exchange(platform, await consent(platform));
    expect(outcome).toMatchObject({ kind: "connected", connection: { credentials: [{ actor: "app" }] } });
    expect(outcome.kind === "connected" && outcome.connection.credentials).toHaveLength(1);
  });

  it("a code works once", async () => {
    const platform = slack();
    const code = await consent(platform);
    expect((await exchange(platform, code)).kind).toBe("connected");
    expect(await exchange(platform, code)).toEqual({ kind: "code_rejected", code: "invalid_code" });
  });

  it("another redirect URI at the exchange is our mistake", async () => {
    const platform = slack();
    const outcome = await exchange(platform, await consent(platform), `${redirectUri}/other`);
    expect(outcome).toEqual({ kind: "misconfigured", code: "bad_redirect_uri" });
  });

  it("a wrong client secret is our mistake and does not spend the code", async () => {
    const code = await consent(slack());
    const outcome = await exchange(slack({ clientSecret: new Secret("wrong") }), code);
    expect(outcome).toEqual({ kind: "misconfigured", code: "invalid_client_id" });
    expect((await exchange(slack(), code)).kind).toBe("connected");
  });
});
