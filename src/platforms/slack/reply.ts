import type { RateLimited, Unavailable } from "../../domain/model/platform.ts";
import { type PlatformReply, retryAfterMs, unavailable } from "../http.ts";
import { booleanAt, stringAt } from "../json.ts";

/** An answer of Slack's Web API: `refused` is `ok: false` with Slack's own word for why. */
export type SlackAnswer =
  | { readonly kind: "ok"; readonly body: unknown; readonly sentAt: Date }
  | { readonly kind: "refused"; readonly code: string }
  | RateLimited
  | Unavailable;

/**
 * Reads the envelope all methods share: refusals come inside HTTP 200, only rate limits have a status of their own.
 * Any other status is a proxy or an incident and says nothing about a token, whatever its body.
 */
export function parseSlackAnswer(reply: PlatformReply): SlackAnswer {
  if (reply.kind === "unavailable") return reply;
  const { status, headers, body, sentAt, receivedAt } = reply;
  const retryAfter = retryAfterMs(headers, receivedAt);
  if (status === 429) return { kind: "rate_limited", retryAfterMs: retryAfter };
  if (status !== 200) return unavailable(`http_${status}`, true, retryAfter);
  const ok = booleanAt(body, "ok");
  if (ok === true) return { kind: "ok", body, sentAt };
  const code = stringAt(body, "error");
  if (ok === undefined || code === undefined || !/^[a-z_]{1,64}$/.test(code)) {
    return unavailable("unreadable_body", true);
  }
  if (code === "ratelimited" || code === "rate_limited") return { kind: "rate_limited", retryAfterMs: retryAfter };
  return { kind: "refused", code };
}
