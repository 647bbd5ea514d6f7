import type { RateLimited, Unavailable } from "../domain/platform.ts";
import { type PlatformReply, retryAfterMs, unavailable } from "./http.ts";
import { booleanAt, stringAt } from "./json.ts";

/** An answer of Slack's Web API: `refused` is `ok: false` with Slack's own word for why. */
export type SlackAnswer =
  | { readonly kind: "ok"; readonly body: unknown; readonly receivedAt: Date }
  | { readonly kind: "refused"; readonly code: string }
  | RateLimited
  | Unavailable;

/** What an API call says about a token that no longer works (page "auth.test"). */
export const deadTokenCodes: ReadonlySet<string> = new Set([
  "account_inactive",
  "invalid_auth",
  "not_authed",
  "token_expired",
  "token_revoked",
]);

/** Our registration or our request is wrong, whoever asks (page "oauth.v2.access"). */
export const misconfiguredCodes: ReadonlySet<string> = new Set([
  "bad_client_secret",
  "bad_redirect_uri",
  "invalid_client_id",
  "invalid_code_verifier",
  "invalid_grant_type",
  "no_scopes",
  "pkce_not_allowed",
  "preview_feature_not_available",
]);

/**
 * Reads the envelope all methods share: refusals come inside HTTP 200, only rate limits have a status of their own.
 * Any other status is a proxy or an incident and says nothing about a token, whatever its body.
 */
export function parseSlackAnswer(reply: PlatformReply): SlackAnswer {
  if (reply.kind === "unavailable") return reply;
  const { status, headers, body, receivedAt } = reply;
  const retryAfter = retryAfterMs(headers, receivedAt);
  if (status === 429) return { kind: "rate_limited", retryAfterMs: retryAfter };
  if (status !== 200) return unavailable(`http_${status}`, true, retryAfter);
  const ok = booleanAt(body, "ok");
  if (ok === true) return { kind: "ok", body, receivedAt };
  const code = stringAt(body, "error");
  if (ok === undefined || code === undefined || !/^[a-z_]{1,64}$/.test(code)) {
    return unavailable("unreadable_body", true);
  }
  if (code === "ratelimited" || code === "rate_limited") return { kind: "rate_limited", retryAfterMs: retryAfter };
  return { kind: "refused", code };
}
