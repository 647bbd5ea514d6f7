import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CredentialSecrets, Platform } from "../../../src/domain/model/platform.ts";
import { createSlack } from "../../../src/platforms/slack/slack.ts";
import { Secret } from "../../../src/secret.ts";

const clientId = "12345.67890";
const clientSecret = "0a1b2c3d";

/** A token of the server's: spent refresh tokens and revoked ones are dead. */
interface Held {
  readonly type: "bot" | "user";
  readonly use: "access" | "refresh";
  alive: boolean;
}

let server: Server;
let platform: Platform;
let tokens: Map<string, Held>;
let strange: string[];
/** How many more requests are served before Slack is down. */
let serves: number;
let serial: number;

beforeEach(async () => {
  tokens = new Map();
  strange = [];
  serves = Number.POSITIVE_INFINITY;
  serial = 0;
  server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  platform = createSlack({
    signingSecrets: [],
    clientId,
    clientSecret: new Secret(clientSecret),
    scopes: ["chat:write"],
    userScopes: ["search:read"],
    slackUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetch,
    now: () => new Date(),
  });
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  expect(strange).toEqual([]);
});

/** "Using token rotation" and "auth.revoke" of Slack's documentation; anything else is 501 and fails the test. */
async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const form = new URLSearchParams(await text(request));
  if (serves-- <= 0) return { status: 503, body: undefined };
  switch (`${request.method} ${request.url}`) {
    case "POST /api/oauth.v2.access":
      return { status: 200, body: refresh(request, form) };
    case "POST /api/auth.revoke":
      return { status: 200, body: revoke(request) };
    default:
      strange.push(`${request.method} ${request.url}`);
      return { status: 501, body: undefined };
  }
}

function refresh(request: IncomingMessage, form: URLSearchParams): unknown {
  const expected = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
  if (request.headers.authorization !== expected) return { ok: false, error: "bad_client_secret" };
  if (form.get("grant_type") !== "refresh_token") return { ok: false, error: "invalid_grant_type" };
  const held = tokens.get(form.get("refresh_token") ?? "");
  if (held?.use !== "refresh" || !held.alive) return { ok: false, error: "invalid_refresh_token" };
  held.alive = false;
  return {
    ok: true,
    access_token: issue(held.type, "access"),
    refresh_token: issue(held.type, "refresh"),
    expires_in: 43200,
    token_type: held.type,
    scope: held.type === "bot" ? "chat:write" : "search:read",
    team: { id: "T1", name: "Acme" },
    enterprise: null,
    is_enterprise_install: false,
  };
}

function revoke(request: IncomingMessage): unknown {
  const held = tokens.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "");
  if (held === undefined) return { ok: false, error: "invalid_auth" };
  if (!held.alive) return { ok: false, error: "token_revoked" };
  held.alive = false;
  return { ok: true, revoked: true };
}

function issue(type: Held["type"], use: Held["use"]): string {
  const token = `xoxe${use === "access" ? `.xox${type === "bot" ? "b" : "p"}` : ""}-1-${++serial}`;
  tokens.set(token, { type, use, alive: true });
  return token;
}

function grant(type: Held["type"]): CredentialSecrets {
  const person = type === "user" ? "U1" : undefined;
  return {
    kind: "rotating",
    actor: type === "bot" ? "app" : "user",
    subject: `T1:${person ?? "bot"}`,
    externalUserId: person,
    registration: undefined,
    accessToken: new Secret(issue(type, "access")),
    refreshToken: new Secret(issue(type, "refresh")),
  };
}

async function mint(credential: CredentialSecrets) {
  const outcome = await platform.mint(credential);
  if (outcome.kind !== "minted") throw new Error(JSON.stringify(outcome));
  return outcome.tokens;
}

describe("rotation", () => {
  it.each(["bot", "user"] as const)("gives a %s a new pair and spends the old refresh token", async (type) => {
    const credential = grant(type);
    const next = await mint(credential);
    expect(tokens.get(next.token.value.reveal())).toEqual({ type, use: "access", alive: true });
    expect(await platform.mint(credential)).toEqual({ kind: "rejected", code: "invalid_refresh_token" });
    await mint({ ...credential, refreshToken: next.refreshToken });
  });

  it("of the bot leaves the person's tokens alone", async () => {
    const person = grant("user");
    await mint(grant("bot"));
    expect(await mint(person)).toMatchObject({ scopes: ["search:read"] });
  });

  it("without a refresh token is over, and asks nobody", async () => {
    serves = 0;
    const outcome = await platform.mint({ ...grant("bot"), refreshToken: undefined });
    expect(outcome).toEqual({ kind: "rejected", code: "no_refresh_token" });
  });

  it("harms nothing while Slack is down", async () => {
    const credential = grant("bot");
    serves = 0;
    expect(await platform.mint(credential)).toMatchObject({ kind: "unavailable", cause: "http_503" });
    serves = Number.POSITIVE_INFINITY;
    await mint(credential);
  });
});

describe("revoking", () => {
  it("ends the access and the refresh token", async () => {
    const credential = grant("bot");
    expect(await platform.revoke(credential)).toEqual({ kind: "revoked" });
    expect([...tokens.values()].map((held) => held.alive)).toEqual([false, false]);
  });

  it("succeeds again", async () => {
    const credential = grant("bot");
    await platform.revoke(credential);
    expect(await platform.revoke(credential)).toEqual({ kind: "revoked" });
  });

  it("succeeds for tokens Slack does not know any more", async () => {
    const credential = grant("user");
    tokens.clear();
    expect(await platform.revoke(credential)).toEqual({ kind: "revoked" });
  });

  it("of a long-lived token needs one call", async () => {
    const credential: CredentialSecrets = { ...grant("bot"), kind: "long_lived", refreshToken: undefined };
    expect(await platform.revoke(credential)).toEqual({ kind: "revoked" });
    expect(tokens.get(credential.accessToken?.reveal() ?? "")?.alive).toBe(false);
  });

  it("fails while Slack is down", async () => {
    serves = 0;
    expect(await platform.revoke(grant("bot"))).toEqual({ kind: "failed", cause: "http_503" });
  });

  it("has failed when only the refresh token could be ended", async () => {
    serves = 1;
    expect(await platform.revoke(grant("bot"))).toEqual({ kind: "failed", cause: "http_503" });
    expect([...tokens.values()].filter((held) => !held.alive).map((held) => held.use)).toEqual(["refresh"]);
  });

  it("fails where no secret is left", async () => {
    const credential = { ...grant("bot"), accessToken: undefined, refreshToken: undefined };
    expect(await platform.revoke(credential)).toEqual({ kind: "failed", cause: "no_token" });
  });
});
