import { describe, expect, it } from "vitest";
import {
  atlassianAccountRequests,
  hiddenAccount,
  parseAtlassianAccount,
} from "../../../src/platforms/atlassian/account.ts";
import { atlassianSitesRequest, parseAtlassianSites } from "../../../src/platforms/atlassian/sites.ts";
import type { PlatformReply } from "../../../src/platforms/http.ts";
import { Secret } from "../../../src/secret.ts";

/** By the platform's clock; ours is two hours ahead. */
const receivedAt = new Date("2026-10-10T12:00:00Z");
const sentAt = new Date("2026-10-10T14:00:00.250Z");

function reply(status: number, body: unknown, headers: Record<string, string> = {}): PlatformReply {
  return { kind: "reply", status, headers: new Headers(headers), body, sentAt, receivedAt };
}

/** Entries as the documentation shows them: one site, listed once per product. */
const jiraEntry = {
  id: "1324a887-45db-1bf4-1e99-ef0ff456d421",
  name: "Site name",
  url: "https://your-domain.atlassian.net",
  scopes: ["write:jira-work", "read:jira-user"],
  avatarUrl: "https://site-admin-avatars-cdn.example/avatar.png",
};
const confluenceEntry = { ...jiraEntry, scopes: ["read:confluence-content.all"] };

describe("the sites of a grant", () => {
  it("are asked for with the token in the header", () => {
    expect(atlassianSitesRequest("https://api.atlassian.com", new Secret("t0ken"))).toEqual({
      method: "GET",
      url: "https://api.atlassian.com/oauth/token/accessible-resources",
      headers: { accept: "application/json", authorization: "Bearer t0ken" },
      keep: { id: true, name: true, url: true, avatarUrl: true, scopes: true },
    });
  });

  it("are merged by cloud id, scopes and products together", () => {
    expect(parseAtlassianSites(reply(200, [confluenceEntry, jiraEntry]))).toEqual({
      kind: "sites",
      sites: [
        {
          cloudId: "1324a887-45db-1bf4-1e99-ef0ff456d421",
          name: "Site name",
          url: "https://your-domain.atlassian.net",
          avatarUrl: "https://site-admin-avatars-cdn.example/avatar.png",
          scopes: ["read:confluence-content.all", "write:jira-work", "read:jira-user"],
          products: ["jira", "confluence"],
        },
      ],
    });
  });

  it("are all given, in their order", () => {
    const found = parseAtlassianSites(reply(200, [jiraEntry, { ...jiraEntry, id: "second", name: "Second" }]));
    expect(found.kind === "sites" && found.sites.map((site) => site.name)).toEqual(["Site name", "Second"]);
  });

  it.each([
    [["read:jira-work"], ["jira"]],
    [["read:servicedesk-request"], ["jira"]],
    [["read:issue:jira"], ["jira"]],
    [["read:page:confluence"], ["confluence"]],
    [
      ["read:page:confluence", "read:issue:jira"],
      ["jira", "confluence"],
    ],
    [
      ["read:page:confluence", "read:servicedesk-request"],
      ["jira", "confluence"],
    ],
    [["read:something-else"], ["jira"]],
    [[], ["jira"]],
    [undefined, ["jira"]],
  ])("with the scopes %o serve %o", (scopes, products) => {
    const found = parseAtlassianSites(reply(200, [{ id: "1", scopes }]));
    expect(found.kind === "sites" && found.sites[0]?.products).toEqual(products);
  });

  it("can be none", () => {
    expect(parseAtlassianSites(reply(200, []))).toEqual({ kind: "sites", sites: [] });
  });

  it("go by their cloud id when they have no name", () => {
    const found = parseAtlassianSites(reply(200, [{ id: "1" }]));
    expect(found.kind === "sites" && found.sites[0]?.name).toBe("1");
  });

  it.each([
    [401, { message: "Unauthorized" }, "http_401"],
    [429, undefined, "http_429"],
    [500, undefined, "http_500"],
    [200, undefined, "unreadable_body"],
    [200, { values: [jiraEntry] }, "unreadable_body"],
    [200, [{ name: "no id" }, null], "unreadable_body"],
  ])("are unknown after %i with %o", (status, body, cause) => {
    expect(parseAtlassianSites(reply(status, body))).toMatchObject({ kind: "unavailable", cause });
  });
});

describe("the person behind a grant", () => {
  const token = new Secret("t0ken");
  const site = { name: "", url: undefined, avatarUrl: undefined, scopes: [] };
  const both = [
    { ...site, cloudId: "c1", products: ["confluence"] },
    { ...site, cloudId: "c2", products: ["jira", "confluence"] },
  ];

  function urls(scopes: string[], sites: typeof both): string[] {
    return atlassianAccountRequests("https://api.atlassian.com", token, scopes, sites).map(({ url }) => url);
  }

  it("is asked for at the identity API first, where read:me was granted", () => {
    expect(urls(["read:jira-work", "read:me"], both)).toEqual([
      "https://api.atlassian.com/me",
      "https://api.atlassian.com/ex/confluence/c1/wiki/rest/api/user/current",
      "https://api.atlassian.com/ex/jira/c2/rest/api/3/myself",
      "https://api.atlassian.com/ex/confluence/c2/wiki/rest/api/user/current",
    ]);
  });

  it("is asked for at a product of a site otherwise", () => {
    expect(urls(["read:jira-work"], [{ ...site, cloudId: "a/b", products: ["jira"] }])).toEqual([
      "https://api.atlassian.com/ex/jira/a%2Fb/rest/api/3/myself",
    ]);
  });

  it.each([
    [{ account_id: "712020:1", name: "Ann", email: "ann@example.com" }, "Ann"],
    [{ accountId: "712020:1", displayName: "Ann" }, "Ann"],
    [{ accountId: "712020:1" }, undefined],
  ])("is read from %o", (body, name) => {
    const account = { subject: "712020:1", id: "712020:1", name };
    expect(parseAtlassianAccount(reply(200, body))).toEqual({ kind: "account", account });
  });

  it.each([401, 403, 404, 501])("stays hidden after %i", (status) => {
    expect(parseAtlassianAccount(reply(status, { message: "no" }))).toEqual({ kind: "hidden" });
  });

  it.each([
    [500, undefined, "http_500"],
    [503, undefined, "http_503"],
    [429, undefined, "http_429"],
    [200, undefined, "unreadable_body"],
    [200, { name: "Ann" }, "unreadable_body"],
  ])("is unknown for now after %i with %o", (status, body, cause) => {
    expect(parseAtlassianAccount(reply(status, body))).toMatchObject({ kind: "unavailable", cause });
  });

  it("who stays hidden is named by the grant, so that two of them never share a name", () => {
    const access = { value: token, issuedAt: sentAt, expiresAt: undefined };
    const rest = { token: access, scopes: undefined, permissions: undefined, grantExpiresAt: undefined };
    const first = hiddenAccount({ ...rest, refreshToken: new Secret("r1") });
    const second = hiddenAccount({ ...rest, refreshToken: new Secret("r2") });
    expect(first.subject).toMatch(/^grant:[0-9a-f]{64}$/);
    expect(first.subject).not.toBe(second.subject);
    expect(first.id).toBeUndefined();
    expect(hiddenAccount({ ...rest, refreshToken: undefined }).subject).toMatch(/^grant:[0-9a-f]{64}$/);
  });
});
