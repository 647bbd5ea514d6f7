import { expect, it } from "vitest";
import type { PlatformReply } from "../../../src/platforms/http.ts";
import { parseSlackInspection } from "../../../src/platforms/slack/inspect.ts";

const at = new Date("2026-10-10T12:00:00Z");
const team = { ok: true, team: "Acme", team_id: "T1", user_id: "UBOT", enterprise_id: "E1" };

function reply(body: unknown, status = 200, headers: Record<string, string> = {}): PlatformReply {
  return { kind: "reply", status, headers: new Headers(headers), body, sentAt: at, receivedAt: at };
}
const inspect = (answer: PlatformReply, externalOrgId = "T1") => parseSlackInspection(answer, { externalOrgId });

it("a token that works shows its workspace and what it may do", () => {
  const facts = {
    externalOrgName: "Acme",
    scopes: ["chat:write", "users:read"],
    permissions: undefined,
    metadata: undefined,
  };
  expect(inspect(reply(team, 200, { "x-oauth-scopes": "chat:write,users:read" }))).toEqual({ kind: "present", facts });
  expect(inspect(reply(team, 200, { "x-oauth-scopes": "" }))).toMatchObject({ facts: { scopes: [] } });
});

it("a token of a whole organization has no name to show, and says nothing where no scopes are sent", () => {
  expect(inspect(reply({ ...team, team_id: null, is_enterprise_install: true }), "E1")).toMatchObject({
    kind: "present",
    facts: { externalOrgName: undefined, scopes: undefined },
  });
});

it.each(["token_revoked", "account_inactive", "invalid_auth", "not_authed", "team_access_not_granted"])(
  "%s is the end of the grant",
  (error) => {
    expect(inspect(reply({ ok: false, error }))).toEqual({ kind: "grant_dead", code: error });
  },
);

it.each([
  ["token_expired", { kind: "unavailable", cause: "token_expired" }],
  ["org_login_required", { kind: "refused", code: "org_login_required" }],
  ["enterprise_is_restricted", { kind: "refused", code: "enterprise_is_restricted" }],
  ["internal_error", { kind: "unavailable", cause: "internal_error" }],
  ["missing_scope", { kind: "unavailable", cause: "missing_scope" }],
  ["ratelimited", { kind: "rate_limited" }],
])("%s is none", (error, expected) => {
  expect(inspect(reply({ ok: false, error }))).toMatchObject(expected);
});

it.each([
  [reply({ ok: false, error: "token_revoked" }, 500), "http_500"],
  [reply("<html>"), "unreadable_body"],
  [reply({ ...team, team_id: "T2", enterprise_id: undefined }), "other_organization"],
])("what is not Slack's word about this workspace says nothing", (answer, cause) => {
  expect(inspect(answer)).toMatchObject({ kind: "unavailable", cause });
});

it("a limit says for how long", () => {
  expect(inspect(reply({}, 429, { "retry-after": "9" }))).toEqual({ kind: "rate_limited", retryAfterMs: 9_000 });
});
