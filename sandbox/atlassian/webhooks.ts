import type { Request } from "express";
import type { Answer } from "../http/answer.ts";
import { isRecord, readBody } from "../http/request-body.ts";

/** One dynamic webhook. Ids are counted by each site. */
export interface JiraWebhook {
  readonly id: number;
  readonly cloudId: string;
  readonly accountId: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly jqlFilter: string;
  expiresAt: Date;
}

export interface JiraWebhooksOptions {
  readonly now: () => Date;
}

/** The dynamic webhooks of one OAuth app at all sites, with the limits that are documented. */
export interface JiraWebhooks {
  /** Those that have neither expired nor been deleted. */
  all(): readonly JiraWebhook[];
  /** As another deployment of the same app would have registered it. */
  add(webhook: Omit<JiraWebhook, "id" | "expiresAt">): JiraWebhook;
  /** It is gone, as after a restore of the site. */
  drop(id: number, cloudId: string): void;
  /** Whether the list has addresses: samples of Atlassian's have them, and have not. */
  showUrls: boolean;
  /** Deleting is accepted, and done so much later. */
  deletionMs: number;
  /** Answers the next requests in the place of Jira. */
  readonly failures: Answer[];
  /** Awaited before a request is answered: a gate. */
  beforeAnswer: () => Promise<void>;
  /** What one person asks at one site. */
  answer(
    caller: { readonly accountId: string; readonly cloudId: string; readonly scopes: readonly string[] },
    request: Request,
  ): Promise<Answer>;
}

const lifeMs = 30 * 86_400_000;
const maxPerPerson = 5;
const requiredScopes = ["read:jira-work", "manage:jira-webhook"];
const knownEvents = new Set([
  ...["jira:issue_created", "jira:issue_updated", "jira:issue_deleted"],
  ...["comment_created", "comment_updated", "comment_deleted", "issue_property_set", "issue_property_deleted"],
]);

export function jiraWebhooks({ now }: JiraWebhooksOptions): JiraWebhooks {
  let kept: (JiraWebhook & { goneAt?: Date })[] = [];
  const lastIds = new Map<string, number>();

  function all(): readonly JiraWebhook[] {
    const at = now();
    kept = kept.filter(({ expiresAt, goneAt }) => expiresAt > at && (goneAt === undefined || goneAt > at));
    return kept;
  }

  function add(webhook: Omit<JiraWebhook, "id" | "expiresAt">): JiraWebhook {
    const id = (lastIds.get(webhook.cloudId) ?? 999) + 1;
    lastIds.set(webhook.cloudId, id);
    const added = { ...webhook, id, expiresAt: new Date(now().getTime() + lifeMs) };
    kept.push(added);
    return added;
  }

  const own = ({ accountId, cloudId }: { readonly accountId: string; readonly cloudId: string }) =>
    all().filter((webhook) => webhook.accountId === accountId && webhook.cloudId === cloudId);

  function register(caller: { readonly accountId: string; readonly cloudId: string }, request: Request): Answer {
    const body = jsonOf(request);
    const { url, webhooks } = body ?? {};
    if (typeof url !== "string" || !URL.canParse(url) || !Array.isArray(webhooks)) {
      return badRequest("Invalid request payload. Refer to the REST API documentation and try again.");
    }
    const results = webhooks.map((details: unknown) => {
      const problem = problemOf(details);
      if (problem !== undefined) return { errors: [problem] };
      if (all().some((other) => other.url !== url)) {
        return { errors: ["Only a single URL per app is allowed to be registered via REST API"] };
      }
      if (own(caller).length >= maxPerPerson) return { errors: ["Maximum number of webhooks per user reached"] };
      const { events, jqlFilter } = details as { events: string[]; jqlFilter: string };
      return { createdWebhookId: add({ ...caller, url, events, jqlFilter }).id };
    });
    return { status: 200, body: { webhookRegistrationResult: results } };
  }

  function list(caller: { readonly accountId: string; readonly cloudId: string }, { query }: Request): Answer {
    const startAt = Number(query.startAt ?? 0);
    const maxResults = Math.min(Number(query.maxResults ?? 100), 100);
    const found = own(caller);
    const values = found.slice(startAt, startAt + maxResults).map(({ id, events, jqlFilter, url, expiresAt }) => ({
      ...{ id, events, jqlFilter, expirationDate: expiresAt.toISOString().replace("Z", "+0000") },
      ...(webhooks.showUrls ? { url } : {}),
    }));
    const isLast = startAt + values.length >= found.length;
    return { status: 200, body: { isLast, maxResults, startAt, total: found.length, values } };
  }

  /** Those of others are ignored. */
  function named(caller: { readonly accountId: string; readonly cloudId: string }, request: Request) {
    const ids = jsonOf(request)?.webhookIds;
    if (!Array.isArray(ids) || !ids.every((id) => Number.isInteger(id))) return undefined;
    return own(caller).filter(({ id }) => ids.includes(id));
  }

  function remove(caller: { readonly accountId: string; readonly cloudId: string }, request: Request): Answer {
    const found = named(caller, request);
    if (found === undefined) return badRequest("webhookIds must not be empty");
    const goneAt = new Date(now().getTime() + webhooks.deletionMs);
    for (const webhook of found) Object.assign(webhook, { goneAt });
    return { status: 202 };
  }

  function refresh(caller: { readonly accountId: string; readonly cloudId: string }, request: Request): Answer {
    const found = named(caller, request);
    if (found === undefined) return badRequest("webhookIds must not be empty");
    const expiresAt = new Date(now().getTime() + lifeMs);
    for (const webhook of found) webhook.expiresAt = expiresAt;
    return { status: 200, body: { expirationDate: expiresAt.toISOString().replace("Z", "+0000") } };
  }

  const webhooks: JiraWebhooks = {
    all,
    add,
    drop(id, cloudId) {
      kept = kept.filter((webhook) => webhook.id !== id || webhook.cloudId !== cloudId);
    },
    showUrls: true,
    deletionMs: 0,
    failures: [],
    beforeAnswer: async () => undefined,
    async answer({ scopes, ...caller }, request) {
      await webhooks.beforeAnswer();
      const failure = webhooks.failures.shift();
      if (failure !== undefined) return failure;
      if (!requiredScopes.every((scope) => scopes.includes(scope))) {
        return { status: 403, body: { errorMessages: ["The app does not have the required scope."], errors: {} } };
      }
      switch (`${request.method}${request.path.endsWith("/refresh") ? " refresh" : ""}`) {
        case "GET":
          return list(caller, request);
        case "POST":
          return register(caller, request);
        case "DELETE":
          return remove(caller, request);
        case "PUT refresh":
          return refresh(caller, request);
        default:
          return { status: 405, body: { message: "Method Not Allowed" } };
      }
    },
  };
  return webhooks;
}

function jsonOf(request: Request): Record<string, unknown> | undefined {
  const body = readBody(request);
  return body.kind === "json" && isRecord(body.value) ? body.value : undefined;
}

function badRequest(message: string): Answer {
  return { status: 400, body: { errorMessages: [message], errors: {} } };
}

/** The part of JQL that webhooks take: some fields, some operators, and no more. */
const fields = "(?:issueKey|project|issuetype|status|assignee|reporter|issue\\.property\\S*|cf\\[\\d+\\])";
const operators = "(?:=|!=|in|not in)";
const clause = new RegExp(`^${fields}\\s*${operators}\\s*(?:\\([^()]+\\)|[^\\s()]+)$`, "i");

function problemOf(details: unknown): string | undefined {
  if (!isRecord(details)) return "Invalid webhook details";
  const { events, jqlFilter } = details;
  if (!Array.isArray(events) || events.length === 0) return "At least one event must be specified";
  const unknown = events.find((event) => !knownEvents.has(event));
  if (unknown !== undefined) return `The event ${unknown} is unsupported`;
  if (typeof jqlFilter !== "string" || jqlFilter.trim() === "") return "The JQL filter must not be empty";
  if (/\bis\b/i.test(jqlFilter)) return `Operator ${/\bis not\b/i.test(jqlFilter) ? "is not" : "is"} is unsupported`;
  const wrong = jqlFilter.split(/\s+(?:and|or)\s+/i).find((part) => !clause.test(part.trim()));
  return wrong === undefined ? undefined : `The clause ${wrong.trim().split(/\s/)[0]} is unsupported`;
}
