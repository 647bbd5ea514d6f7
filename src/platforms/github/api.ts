import type { Misconfigured, RateLimited, Refused, Unavailable } from "../../domain/model/platform.ts";
import { jsonRequest, type PlatformRequest, type Reply, retryAfterMs, unavailable } from "../http.ts";
import { stringAt } from "../json.ts";
import type { PlatformWorld } from "../module.ts";
import type { GithubOauthConfig } from "./settings.ts";

/** One GitHub and our registration there. Base URLs have no slash at the end. */
export type GithubSite = Pick<GithubOauthConfig, "webUrl" | "apiUrl" | "clientId" | "clientSecret"> & PlatformWorld;

/** What an answer can mean that says nothing about the one who was asked for. */
export type NoAnswer = Misconfigured | RateLimited | Unavailable;

/** The REST API version every request is written against (GitHub docs, "API versions"). */
const apiVersion = "2022-11-28";

/** GitHub's advice for a limit that names no time. */
const defaultLimitMs = 60_000;
const maxLimitMs = 3_600_000;

/** A request to the REST API. `authorization` is the whole header value. */
export function apiRequest(
  method: PlatformRequest["method"],
  url: string,
  authorization: string,
  body?: unknown,
): PlatformRequest {
  const headers = { accept: "application/vnd.github+json", "x-github-api-version": apiVersion, authorization };
  return body === undefined ? { method, url, headers } : jsonRequest(method, url, body, headers);
}

/**
 * Whether a 403 or 429 is a primary or secondary rate limit, and for how long (GitHub docs, "Rate limits for the
 * REST API"). A 403 without such a sign is something else.
 */
export function rateLimit(reply: Reply): RateLimited | undefined {
  if (reply.status !== 403 && reply.status !== 429) return undefined;
  const asked = retryAfterMs(reply.headers, reply.receivedAt);
  const reset = Number(reply.headers.get("x-ratelimit-reset") ?? "");
  if (asked !== undefined) return { kind: "rate_limited", retryAfterMs: asked };
  if (reply.headers.get("x-ratelimit-remaining") === "0" && reset > 0) {
    const left = reset * 1000 - reply.receivedAt.getTime();
    return { kind: "rate_limited", retryAfterMs: Math.min(Math.max(left, 0), maxLimitMs) };
  }
  if (reply.status === 429 || /rate limit|abuse detection/i.test(messageOf(reply))) {
    return { kind: "rate_limited", retryAfterMs: defaultLimitMs };
  }
  return undefined;
}

/** For every answer that has no meaning of its own at its place. */
export function unrecognised(reply: Reply): RateLimited | Unavailable {
  const limited = rateLimit(reply);
  if (limited !== undefined) return limited;
  if (reply.status < 300) return unavailable("unreadable_body", true);
  return unavailable(`http_${reply.status}`, true, retryAfterMs(reply.headers, reply.receivedAt));
}

/** GitHub's own sentence about a refusal; empty if there is none, as on a page of somebody else. */
export function messageOf(reply: Reply): string {
  return stringAt(reply.body, "message") ?? "";
}

/** One word for the log and for a failed revocation. */
export function causeOf(answer: NoAnswer | Refused): string {
  switch (answer.kind) {
    case "refused":
    case "misconfigured":
      return answer.code;
    case "rate_limited":
      return answer.kind;
    case "unavailable":
      return answer.cause;
  }
}
