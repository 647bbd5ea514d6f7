import type { RateLimited, Unavailable } from "../../domain/model/platform.ts";
import { type PlatformReply, type Reply, retryAfterMs, unavailable } from "../http.ts";
import { numberAt, stringAt } from "../json.ts";
import { sentryWord } from "./refusals.ts";

/** An answer of Sentry's API: `refused` with a word of ours, or with its status where the sentence is not known. */
export type SentryAnswer = { readonly kind: "ok"; readonly reply: Reply } | SentryRefusal | RateLimited | Unavailable;

export interface SentryRefusal {
  readonly kind: "refused";
  readonly code: string;
  /** When, by Sentry's clock. */
  readonly at: Date;
}

/** Statuses with which Sentry itself says no, if its sentence is there. */
const refusalStatuses: ReadonlySet<number> = new Set([400, 401, 403, 404, 409]);

/** Real statuses, and a sentence in `detail`, in older servers in `error`. A page, or anything else, is a proxy or an incident. */
export function parseSentryAnswer(reply: PlatformReply): SentryAnswer {
  if (reply.kind === "unavailable") return reply;
  const { status, body, headers, receivedAt } = reply;
  if (status >= 200 && status < 300) return { kind: "ok", reply };
  if (status === 429) return { kind: "rate_limited", retryAfterMs: limitEndMs(reply) };
  const sentence = stringAt(body, "detail") ?? stringAt(body, "error");
  if (sentence === undefined || !refusalStatuses.has(status)) {
    return unavailable(`http_${status}`, true, retryAfterMs(headers, receivedAt));
  }
  return { kind: "refused", code: sentryWord(sentence) ?? `http_${status}`, at: receivedAt };
}

const longestLimitMs = 3_600_000;

/** When a limit ends, by the clock that set it (page "Rate Limits"); Sentry documents no `Retry-After`. */
function limitEndMs({ headers, receivedAt }: Reply): number | undefined {
  const reset = numberAt({ reset: headers.get("x-sentry-rate-limit-reset") }, "reset");
  if (reset === undefined) return retryAfterMs(headers, receivedAt);
  return Math.min(Math.max(reset * 1000 - receivedAt.getTime(), 0), longestLimitMs);
}
