import type {
  RegistrationFailed,
  SiteRegistrar,
  SiteRegistration,
  SiteWebhookOutcome,
  TokenRejected,
} from "../../domain/model/webhook-registrar.ts";
import type { Secret } from "../../secret.ts";
import { jsonRequest, send } from "../http.ts";
import { arrayAt, idAt, nameAt } from "../json.ts";
import type { PlatformWorld } from "../module.ts";
import {
  type AskJira,
  instantAt,
  type ListedWebhook,
  listWebhooks,
  type Refusal,
  refusalOf,
  wantedWebhook,
} from "./webhook-list.ts";

/** What one app may have for one person at one site (Atlassian, "Webhooks", limitations). */
const maxWebhooks = 5;
/** Until it is found as it should be: register or renew, then look; once more where something was in the way. */
const maxRounds = 5;

type Options = PlatformWorld & { readonly apiUrl: string };

/** Jira's dynamic webhooks, which an app registers for each site with a person's token. Confluence has none for 3LO apps. */
export function createJiraRegistrar(options: Options): SiteRegistrar {
  const askAt = (site: string, token: Secret): AskJira => {
    const base = `${options.apiUrl}/ex/jira/${encodeURIComponent(site)}/rest/api/3/webhook`;
    const headers = { accept: "application/json", authorization: `Bearer ${token.reveal()}` };
    return (method, path, body) => {
      const url = base + path;
      return send(body === undefined ? { method, url, headers } : jsonRequest(method, url, body, headers), options);
    };
  };
  return {
    kind: "site",
    product: "jira",
    hostOf: ({ metadata: { url = "" } }) => (URL.canParse(url) ? new URL(url).host : undefined),
    register: (request) => settle(askAt(request.site, request.accessToken), request, options.now),
    async remove({ site, accessToken, externalIds }) {
      return (await deleteWebhooks(askAt(site, accessToken), externalIds)) ?? { kind: "removed" };
    },
  };
}

/** Looks, does the one thing that is missing, and looks again: what Jira answers is believed once its list shows it. */
async function settle(
  ask: AskJira,
  request: SiteRegistration,
  now: () => Date,
): Promise<SiteWebhookOutcome | TokenRejected> {
  let created: string | undefined;
  let renewedUntil: Date | undefined;
  let madeRoom = false;
  for (let round = 0; round < maxRounds; round++) {
    const listed = await listWebhooks(ask);
    if ("kind" in listed) return listed;
    const known = created === undefined ? request.known : new Map([...request.known, [created, request.url]]);
    const { keep, stale, replaceable } = sort(listed, { url: request.url, known }, now());
    const remaining = listed.map(({ id }) => id).filter((id) => request.known.has(id) && !stale.includes(id));
    if (stale.length > 0) {
      const refusal = await deleteWebhooks(ask, stale);
      if (refusal !== undefined) return refusal;
    }
    if (keep === undefined) {
      if (created !== undefined) return { ...failed("not_confirmed"), remaining };
      const registered = await registerWebhook(ask, request.url);
      if (registered.kind === "created") created = registered.id;
      else if (registered.kind === "token_rejected") return registered;
      else if (listed.length >= maxWebhooks && replaceable.length > 0 && !madeRoom) {
        madeRoom = true;
        const refusal = await deleteWebhooks(ask, replaceable);
        if (refusal !== undefined) return refusal;
      } else return { ...named(registered, listed, request), remaining };
      continue;
    }
    const expiresAt = keep.expiresAt ?? renewedUntil;
    if (expiresAt !== undefined && expiresAt >= request.renewBefore) {
      const changed = created !== undefined || renewedUntil !== undefined;
      return { kind: "registered", externalIds: [keep.id], expiresAt, changed };
    }
    if (renewedUntil !== undefined) return { ...failed("not_renewed"), remaining };
    const renewed = await renewWebhook(ask, keep.id);
    if (!(renewed instanceof Date)) return renewed;
    renewedUntil = renewed;
  }
  return failed("not_confirmed");
}

/**
 * What to do with each: one app has one address, so that what we registered with another one is in the way. What others
 * did with the same app is theirs. The lowest id is kept, so that two who meet each other's keep the same.
 */
function sort(listed: readonly ListedWebhook[], { url, known }: Pick<SiteRegistration, "url" | "known">, now: Date) {
  const alive = listed.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
  const addressOf = (webhook: ListedWebhook) => webhook.url ?? known.get(webhook.id);
  const here = alive.filter((webhook) => addressOf(webhook) === url);
  const [keep, ...twice] = here.filter(({ covers }) => covers).sort((a, b) => Number(a.id) - Number(b.id));
  const elsewhere = alive.filter((webhook) => {
    const address = addressOf(webhook);
    // Without an address it can only be one of ours whose registration was not noted.
    return address === undefined ? webhook.covers : address !== url && known.has(webhook.id);
  });
  return {
    keep,
    stale: [...twice, ...elsewhere].map(({ id }) => id),
    replaceable: here.filter(({ covers }) => !covers).map(({ id }) => id),
  };
}

/** Jira refuses inside of a success, in the order of what was asked for. */
async function registerWebhook(
  ask: AskJira,
  url: string,
): Promise<{ readonly kind: "created"; readonly id: string } | Refusal> {
  const reply = await ask("POST", "", { url, webhooks: [wantedWebhook] });
  const refusal = refusalOf(reply);
  if (refusal !== undefined) return refusal;
  const results = reply.kind === "reply" ? (arrayAt(reply.body, "webhookRegistrationResult") ?? []) : [];
  for (const result of results) {
    const id = idAt(result, "createdWebhookId");
    if (id !== undefined) return { kind: "created", id };
  }
  const [said] = results.map((result) => nameAt({ text: arrayAt(result, "errors")?.[0] }, "text"));
  return { ...failed(results.length === 0 ? "unreadable_body" : "request_refused"), said };
}

/** Why it was refused, told by what is there: nobody documents the words. */
function named(refusal: RegistrationFailed, listed: readonly ListedWebhook[], request: SiteRegistration) {
  if (refusal.code !== "request_refused") return refusal;
  const said = refusal.said ?? "";
  const { url, known } = request;
  const isOther = listed.some((one) => one.url !== undefined && one.url !== url && !known.has(one.id));
  if (isOther || /\burls?\b/i.test(said)) return { ...refusal, code: "other_address" };
  const isFull = listed.length >= maxWebhooks || /\b(limit|maximum|too many|exceed)/i.test(said);
  return isFull ? { ...refusal, code: "limit_reached" } : refusal;
}

/** Ids that Jira does not know are passed over in silence. */
async function renewWebhook(ask: AskJira, id: string): Promise<Date | Refusal> {
  const reply = await ask("PUT", "/refresh", { webhookIds: [Number(id)] });
  const refusal = refusalOf(reply);
  if (refusal !== undefined) return refusal;
  return (reply.kind === "reply" && instantAt(reply.body, "expirationDate")) || new Date(0);
}

/** Undefined once Jira has accepted it, which is not yet done. */
async function deleteWebhooks(ask: AskJira, ids: readonly string[]): Promise<Refusal | undefined> {
  return refusalOf(await ask("DELETE", "", { webhookIds: ids.map(Number) }));
}

function failed(code: string): RegistrationFailed {
  return { kind: "failed", code, passing: false };
}
