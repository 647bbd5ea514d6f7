import { describe, expect, it } from "vitest";
import { readSlackCallback, slackAuthorizationUrl } from "../../../src/platforms/slack/authorize.ts";

const consent = {
  clientId: "12345.67890",
  scopes: ["chat:write", "commands"],
  userScopes: ["search:read", "users:read"],
  slackUrl: "https://slack.com",
};
const request = {
  state: "state-1",
  codeChallenge: "a-challenge-nobody-asked-for",
  redirectUri: "https://tokens.example/oauth/callback/slack",
  hint: undefined,
};

describe("the consent URL", () => {
  it("separates scopes by commas and carries no challenge", () => {
    const url = slackAuthorizationUrl(consent, request);
    expect(url.origin + url.pathname).toBe("https://slack.com/oauth/v2/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: "12345.67890",
      scope: "chat:write,commands",
      user_scope: "search:read,users:read",
      redirect_uri: "https://tokens.example/oauth/callback/slack",
      state: "state-1",
    });
  });

  it("leaves out the scopes of an actor nobody asks for", () => {
    const bot = slackAuthorizationUrl({ ...consent, userScopes: [] }, request);
    expect(bot.searchParams.has("user_scope")).toBe(false);
    const user = slackAuthorizationUrl({ ...consent, scopes: [] }, request);
    expect(user.searchParams.has("scope")).toBe(false);
    expect(user.searchParams.get("user_scope")).toBe("search:read,users:read");
  });

  it("follows the host, for GovSlack and test servers", () => {
    const url = slackAuthorizationUrl({ ...consent, slackUrl: "https://slack-gov.com" }, request);
    expect(url.origin).toBe("https://slack-gov.com");
  });
});

describe("the callback", () => {
  it("gives a code", () => {
    const callback = readSlackCallback(new URLSearchParams("code=abc&state=s"));
    expect(callback.kind === "code" && callback.code.reveal()).toBe("abc");
  });

  it.each([
    ["error=access_denied&state=s", { kind: "denied" }],
    ["error=something_new&state=s", { kind: "denied" }],
    ["error=bad_redirect_uri&state=s", { kind: "misconfigured", code: "bad_redirect_uri" }],
    ["error=access_denied&code=abc&state=s", { kind: "denied" }],
    ["state=s", { kind: "malformed" }],
    ["code=&state=s", { kind: "malformed" }],
    ["code=a&code=b&state=s", { kind: "malformed" }],
  ])("%s is read without believing more than it says", (query, expected) => {
    expect(readSlackCallback(new URLSearchParams(query))).toEqual(expected);
  });
});
