import type { RegistrationFailed, TokenRejected } from "../../domain/model/webhook-registrar.ts";
import { type PlatformReply, type PlatformRequest, type Reply, retryAfterMs } from "../http.ts";
import { arrayAt, booleanAt, idAt, nameAt, numberAt, stringAt, textsAt } from "../json.ts";

/** What is asked for: everything that happens to issues and comments (the filter and events of the earlier services). */
export const wantedWebhook = {
  events: ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated"],
  jqlFilter: "project != NULL",
} as const;

/** A webhook as Jira lists it: of this app and person alone. */
export interface ListedWebhook {
  readonly id: string;
  /** Undefined where Jira does not show it: its own samples do, and do not. */
  readonly url: string | undefined;
  /** Whether it is sent for all that we want. */
  readonly covers: boolean;
  readonly expiresAt: Date | undefined;
}

export type Refusal = TokenRejected | RegistrationFailed;

/** How many are read of a page, and how many pages: there may be five for each app and person. */
export const pageSize = 100;
const maxPages = 3;

export type AskJira = (method: PlatformRequest["method"], path: string, body?: unknown) => Promise<PlatformReply>;

/** All webhooks of this app and person at the site (Jira REST, "Get dynamic webhooks for app"). */
export async function listWebhooks(ask: AskJira): Promise<readonly ListedWebhook[] | Refusal> {
  const found: ListedWebhook[] = [];
  for (let page = 0; page < maxPages; page++) {
    const reply = await ask("GET", `?startAt=${found.length}&maxResults=${pageSize}`);
    const refusal = refusalOf(reply);
    if (refusal !== undefined) return refusal;
    const values = reply.kind === "reply" ? arrayAt(reply.body, "values") : undefined;
    if (reply.kind !== "reply" || values === undefined)
      return { kind: "failed", code: "unreadable_body", passing: true };
    found.push(...values.flatMap(toListed));
    if (values.length === 0 || booleanAt(reply.body, "isLast") !== false) break;
  }
  return found;
}

function toListed(value: unknown): readonly ListedWebhook[] {
  const id = idAt(value, "id");
  if (id === undefined) return [];
  return [{ id, url: stringAt(value, "url"), covers: covers(value), expiresAt: instantAt(value, "expirationDate") }];
}

function covers(value: unknown): boolean {
  const events = textsAt(value, "events");
  const filter = stringAt(value, "jqlFilter") ?? "";
  return isSameFilter(filter, wantedWebhook.jqlFilter) && wantedWebhook.events.every((event) => events.includes(event));
}

function isSameFilter(a: string, b: string): boolean {
  const plain = (filter: string) => filter.toLowerCase().replaceAll(/\s+/g, "");
  return plain(a) === plain(b);
}

/** Milliseconds, or ISO 8601 with an offset without a colon: the documentation has both. */
export function instantAt(value: unknown, key: string): Date | undefined {
  const ms = numberAt(value, key);
  const text = stringAt(value, key)?.replace(/([+-]\d\d)(\d\d)$/, "$1:$2");
  const instant = ms === undefined ? new Date(text ?? Number.NaN) : new Date(ms);
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}

/** Why the whole request was refused; undefined if it was not. */
export function refusalOf(reply: PlatformReply): Refusal | undefined {
  if (reply.kind === "unavailable") {
    return { kind: "failed", code: reply.cause, passing: true, retryAfterMs: reply.retryAfterMs };
  }
  const { status, headers, receivedAt } = reply;
  if (status >= 200 && status < 300) return undefined;
  const said = textOf(reply);
  const retryAfter = retryAfterMs(headers, receivedAt);
  switch (status) {
    case 401:
      // The gateway's word for a token that was never given the scope: a new one would not have it either.
      if (/scope/i.test(said ?? "")) return { kind: "failed", code: "scope_missing", passing: false, said };
      return { kind: "token_rejected" };
    case 403:
      return { kind: "failed", code: /scope/i.test(said ?? "") ? "scope_missing" : "forbidden", passing: false, said };
    case 404:
      return { kind: "failed", code: "site_not_found", passing: false, said };
    case 429:
      return { kind: "failed", code: "rate_limited", passing: true, retryAfterMs: retryAfter };
    case 400:
      return { kind: "failed", code: "request_refused", passing: false, said };
    default:
      return { kind: "failed", code: `http_${status}`, passing: true, said, retryAfterMs: retryAfter };
  }
}

function textOf({ body }: Reply): string | undefined {
  const messages = arrayAt(body, "errorMessages");
  return (messages && nameAt({ text: messages[0] }, "text")) ?? nameAt(body, "message");
}
