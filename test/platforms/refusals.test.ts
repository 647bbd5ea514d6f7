import { describe, expect, it } from "vitest";
import {
  parseAtlassianCodeRefusal,
  parseAtlassianGrant,
  parseAtlassianRefresh,
  parseAtlassianRevocation,
} from "../../src/platforms/atlassian/token.ts";
import { parseTokenCheck } from "../../src/platforms/github/application-token.ts";
import { parseMint } from "../../src/platforms/github/installation-token.ts";
import { parseRefreshError } from "../../src/platforms/github/user-token.ts";
import type { PlatformReply } from "../../src/platforms/http.ts";
import { parseSlackRevocation } from "../../src/platforms/slack/revoke.ts";
import { parseSlackRefresh, parseSlackTest } from "../../src/platforms/slack/token.ts";

function reply(status: number, body: unknown, headers: Record<string, string> = {}): PlatformReply {
  const at = new Date("2026-10-10T12:00:00Z");
  return { kind: "reply", status, headers: new Headers(headers), body, sentAt: at, receivedAt: at };
}

const slack = (error: string) => reply(200, { ok: false, error });
const atlassian = (status: number, error: string, text?: string) =>
  reply(status, { error, ...(text === undefined ? {} : { error_description: text }) });
const github = (status: number, message: string, headers = {}) => reply(status, { message }, headers);

interface Said {
  readonly kind: string;
  readonly code?: string;
  readonly cause?: string;
}

/** Kind of an outcome, with its word. */
function said({ kind, code, cause }: Said): string {
  const word = code ?? cause;
  return word === undefined ? kind : `${kind} ${word}`;
}

const allowList =
  "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.";

/** What each platform says to a refresh or mint, as its users met it, and what that is about. */
const answers: readonly (readonly [string, Said, string])[] = [
  [
    "jira: dead",
    parseAtlassianRefresh(atlassian(403, "invalid_grant", "Unknown or invalid refresh token.")),
    "rejected invalid_grant",
  ],
  [
    "jira: dead by another name",
    parseAtlassianRefresh(atlassian(403, "unauthorized_client", "refresh_token is invalid")),
    "rejected unauthorized_client",
  ],
  [
    "jira: dead, as a bad request",
    parseAtlassianRefresh(atlassian(400, "invalid_request", "The refresh token is expired")),
    "rejected invalid_request",
  ],
  [
    "jira: our secret",
    parseAtlassianRefresh(atlassian(401, "access_denied", "Unauthorized")),
    "misconfigured access_denied",
  ],
  [
    "jira: our client",
    parseAtlassianRefresh(atlassian(401, "unauthorized_client")),
    "misconfigured unauthorized_client",
  ],
  ...["invalid_client", "invalid_scope", "unsupported_grant_type"].map(
    (word) => [`jira: ${word}`, parseAtlassianRefresh(atlassian(401, word)), `misconfigured ${word}`] as const,
  ),
  [
    "jira: dead by a third name",
    parseAtlassianRefresh(atlassian(403, "access_denied", "Unknown refresh token")),
    "rejected access_denied",
  ],
  [
    "jira: what our client may not",
    parseAtlassianRefresh(
      atlassian(403, "unauthorized_client", "Grant type 'refresh_token' is invalid for the client"),
    ),
    "misconfigured unauthorized_client",
  ],
  [
    "jira: trouble with a refusal's status",
    parseAtlassianRefresh(atlassian(400, "temporarily_unavailable")),
    "unavailable temporarily_unavailable",
  ],
  ["jira: a gateway", parseAtlassianRefresh(reply(403, undefined)), "unavailable http_403"],
  [
    "jira: ended before",
    parseAtlassianRevocation(atlassian(403, "unauthorized_client", "refresh_token is invalid")),
    "revoked",
  ],
  ["jira: our client at revoking", parseAtlassianRevocation(atlassian(401, "unauthorized_client")), "failed http_401"],

  ...[
    "invalid_refresh_token",
    "token_revoked",
    "account_inactive",
    "refresh_token_expired",
    "refresh_token_revoked",
    "token_expired",
    "team_access_not_granted",
  ].map((word) => [`slack: ${word}`, parseSlackRefresh(slack(word), "app"), `rejected ${word}`] as const),
  ...[
    "bad_client_secret",
    "bad_redirect_uri",
    "invalid_client_id",
    "invalid_code_verifier",
    "invalid_grant_type",
    "no_scopes",
    "pkce_not_allowed",
    "preview_feature_not_available",
  ].map((word) => [`slack: ${word}`, parseSlackRefresh(slack(word), "app"), `misconfigured ${word}`] as const),
  ...["internal_error", "service_unavailable", "fatal_error", "request_timeout", "something_new"].map(
    (word) => [`slack: ${word}`, parseSlackRefresh(slack(word), "app"), `unavailable ${word}`] as const,
  ),
  ...[
    "access_denied",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "org_login_required",
    "team_added_to_org",
    "two_factor_setup_required",
  ].map((word) => [`slack: ${word}`, parseSlackRefresh(slack(word), "app"), `refused ${word}`] as const),
  ["slack: a limit", parseSlackRefresh(slack("ratelimited"), "app"), "rate_limited"],
  [
    "slack: a long-lived token's end",
    parseSlackTest(slack("team_access_not_granted")),
    "rejected team_access_not_granted",
  ],
  ["slack: a locked organization", parseSlackTest(slack("ekm_access_denied")), "refused ekm_access_denied"],
  ["slack: no dead token", parseSlackTest(slack("missing_scope")), "unavailable missing_scope"],
  ["slack: ended before", parseSlackRevocation(slack("team_access_not_granted")), "revoked"],

  ["github: an IP allow list", parseMint(github(403, allowList), undefined), "refused ip_allow_list"],
  [
    "github: SAML",
    parseMint(github(403, "Resource protected by organization SAML enforcement."), undefined),
    "refused saml",
  ],
  ["github: suspended", parseMint(github(403, "This installation has been suspended"), undefined), "suspended"],
  [
    "github: a limit that speaks of suspending",
    parseMint(github(403, "You have exceeded a secondary rate limit; your access is suspended"), undefined),
    "rate_limited",
  ],
  ["github: blocked", parseMint(github(451, "Repository access blocked"), undefined), "refused access_blocked"],
  ["github: unpaid", parseMint(github(402, "Payment Required"), undefined), "refused payment_required"],
  ["github: flagged", parseMint(github(403, "This account was flagged"), undefined), "refused account_flagged"],
  ["github: an unknown 403", parseMint(github(403, "Forbidden"), undefined), "unavailable http_403"],
  [
    "github: our key",
    parseMint(github(401, "A JSON web token could not be decoded"), undefined),
    "misconfigured app_key_refused",
  ],
  [
    "github: narrowed",
    parseMint(github(403, allowList), { repositoryIds: [], repositories: ["web"], permissions: {} }),
    "refused ip_allow_list",
  ],
  ["github-oauth: dead", parseRefreshError("bad_refresh_token"), "rejected bad_refresh_token"],
  ...["application_suspended", "incorrect_client_credentials", "redirect_uri_mismatch", "unsupported_grant_type"].map(
    (word) => [`github-oauth: ${word}`, parseRefreshError(word), `misconfigured ${word}`] as const,
  ),
  ["github-oauth: an unknown word", parseRefreshError("brand_new"), "unavailable brand_new"],
  ["github-oauth: a dead token", parseTokenCheck(github(404, "Not Found")), "rejected token_revoked"],
];

describe("a refusal", () => {
  it.each(answers)("%s", (_what, outcome, expected) => expect(said(outcome)).toBe(expected));

  it.each([
    ["invalid_grant", "", "code_rejected"],
    ["unauthorized_client", "Invalid authorization code", "code_rejected"],
    ["unauthorized_client", "", "misconfigured"],
    ["access_denied", "Unauthorized", "misconfigured"],
    ["brand_new", "", "unavailable"],
  ])("of a code of jira's, %s %s, is %s", (error, text, kind) => {
    const grant = parseAtlassianGrant(atlassian(403, error, text));
    if (grant.kind !== "refused") throw new Error(grant.kind);
    expect(parseAtlassianCodeRefusal(grant).kind).toBe(kind);
  });
});
