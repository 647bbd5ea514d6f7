import { describe, expect, it } from "vitest";
import { atlassianAuthorizationUrl, readAtlassianCallback } from "../../../src/platforms/atlassian/authorize.ts";

const consent = {
  clientId: "client-1",
  scopes: ["read:jira-work", "read:confluence-content.all"],
  pkce: true,
  authUrl: "https://auth.atlassian.com",
  apiUrl: "https://api.atlassian.com",
};
const request = {
  state: "state-1",
  codeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  redirectUri: "https://tokens.example/oauth/callback/jira",
  hint: undefined,
};

describe("the consent URL", () => {
  it("carries every parameter the 3LO page asks for", () => {
    const url = atlassianAuthorizationUrl(consent, request);
    expect(url.origin + url.pathname).toBe("https://auth.atlassian.com/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      audience: "api.atlassian.com",
      client_id: "client-1",
      scope: "read:jira-work read:confluence-content.all offline_access",
      redirect_uri: "https://tokens.example/oauth/callback/jira",
      state: "state-1",
      response_type: "code",
      prompt: "consent",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
    });
  });

  it("asks for offline access once", () => {
    const url = atlassianAuthorizationUrl({ ...consent, scopes: ["offline_access", "read:me", "read:me"] }, request);
    expect(url.searchParams.get("scope")).toBe("offline_access read:me");
  });

  it("has no challenge when PKCE is off", () => {
    const url = atlassianAuthorizationUrl({ ...consent, pkce: false }, request);
    expect(url.searchParams.has("code_challenge")).toBe(false);
    expect(url.searchParams.has("code_challenge_method")).toBe(false);
  });

  it.each([
    ["https://api.atlassian-us-gov-mod.com", "api.atlassian-us-gov-mod.com"],
    ["http://127.0.0.1:4001", "api.atlassian.com"],
    ["http://localhost:4001", "api.atlassian.com"],
    ["http://[::1]:4001", "api.atlassian.com"],
  ])("names for the API at %s the audience %s", (apiUrl, audience) => {
    const url = atlassianAuthorizationUrl({ ...consent, apiUrl }, request);
    expect(url.searchParams.get("audience")).toBe(audience);
  });
});

describe("the callback", () => {
  it("gives a code", () => {
    const callback = readAtlassianCallback(new URLSearchParams("code=abc&state=s"));
    expect(callback.kind === "code" && callback.code.reveal()).toBe("abc");
  });

  it.each([
    ["error=access_denied&error_description=User+did+not+authorize+the+request&state=s", { kind: "denied" }],
    ["error=server_error&state=s", { kind: "denied" }],
    ["error=%3Cscript%3E&state=s", { kind: "denied" }],
    ["error=invalid_scope&state=s", { kind: "misconfigured", code: "invalid_scope" }],
    ["error=unauthorized_client&state=s", { kind: "misconfigured", code: "unauthorized_client" }],
    ["error=access_denied&code=abc&state=s", { kind: "denied" }],
    ["state=s", { kind: "malformed" }],
    ["code=&state=s", { kind: "malformed" }],
    ["code=a&code=b&state=s", { kind: "malformed" }],
    ["error=access_denied&error=invalid_scope&state=s", { kind: "malformed" }],
  ])("%s is read without believing more than it says", (query, expected) => {
    expect(readAtlassianCallback(new URLSearchParams(query))).toEqual(expected);
  });
});
