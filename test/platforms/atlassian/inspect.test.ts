import { expect, it } from "vitest";
import { parseAtlassianInspection } from "../../../src/platforms/atlassian/inspect.ts";
import type { PlatformReply } from "../../../src/platforms/http.ts";

const at = new Date("2026-10-10T12:00:00Z");
const site = { id: "cloud-1", name: "Acme", url: "https://acme.atlassian.net", scopes: ["read:jira-work"] };

function reply(status: number, body: unknown, headers: Record<string, string> = {}): PlatformReply {
  return { kind: "reply", status, headers: new Headers(headers), body, sentAt: at, receivedAt: at };
}
const inspect = (answer: PlatformReply) => parseAtlassianInspection(answer, "cloud-1");

it("a site that the grant reaches shows its name and what it was granted for each product", () => {
  const other = { ...site, id: "cloud-2", name: "Other" };
  const confluence = { ...site, scopes: ["read:confluence-content.all"] };
  expect(inspect(reply(200, [other, site, confluence]))).toEqual({
    kind: "present",
    facts: {
      externalOrgName: "Acme",
      scopes: ["read:jira-work", "read:confluence-content.all"],
      permissions: undefined,
      metadata: { url: "https://acme.atlassian.net" },
    },
  });
});

it.each([[[]], [[{ ...site, id: "cloud-2" }]]])("one that it does not reach is gone: %j", (sites) => {
  expect(inspect(reply(200, sites))).toEqual({ kind: "gone", code: "site_not_accessible" });
});

it("a refused token says nothing about the site", () => {
  expect(inspect(reply(401, { code: 401, message: "Unauthorized" }))).toEqual({
    kind: "grant_dead",
    code: "unauthorized",
  });
});

it.each([
  [reply(429, "", { "retry-after": "11" }), { kind: "rate_limited", retryAfterMs: 11_000 }],
  [reply(429, ""), { kind: "rate_limited", retryAfterMs: undefined }],
  [reply(403, {}), { kind: "unavailable", cause: "http_403" }],
  [reply(503, {}), { kind: "unavailable", cause: "http_503" }],
  [reply(200, {}), { kind: "unavailable", cause: "unreadable_body" }],
  [reply(200, [{ name: "no id" }]), { kind: "unavailable", cause: "unreadable_body" }],
])("trouble is not an end", (answer, expected) => {
  expect(inspect(answer)).toMatchObject(expected);
});
