import { createHash } from "node:crypto";
import type { EventSubject } from "../../domain/model/platform-event.ts";
import type { PlatformWebhooks } from "../../domain/model/platform-webhooks.ts";
import type { Secret } from "../../secret.ts";
import { parseDelivery, usualMaxBytes } from "../deliveries.ts";
import { arrayAt, idAt, type JsonRecord, numberAt, recordAt, stringAt } from "../json.ts";
import { claimsOf, verifyWebhookToken } from "./webhook-token.ts";

/** What Jira's dynamic webhooks of OAuth 2.0 apps send. Nothing in it tells that the app was removed. */
export function createJiraWebhooks(options: { readonly webhookSecrets: readonly Secret[] }): PlatformWebhooks {
  return {
    maxBytes: usualMaxBytes,
    verify: (request) =>
      verifyWebhookToken(request.header("authorization"), options.webhookSecrets, request.receivedAt),
    read(request) {
      const body = parseDelivery(request.body);
      if (body === undefined) return { kind: "ignored", code: "not_an_object" };
      const event = idAt(body, "webhookEvent");
      if (event === undefined) return { kind: "ignored", code: "no_event" };
      const claims = claimsOf(request.header("authorization"));
      const times = [numberAt(claims, "iat"), numberAt(claims, "exp")].join(" ");
      const at = numberAt(body, "timestamp");
      return {
        kind: "event",
        event: {
          // The header that names a delivery is not signed; the token's time is.
          deliveryId: createHash("sha256").update(`${times} `).update(request.body).digest("hex"),
          event,
          action: undefined,
          about: subjectOf(body),
          news: undefined,
          happenedAt: at === undefined || at > 1e14 ? undefined : new Date(at),
        },
      };
    },
  };
}

/** Ids of webhooks are counted by each site, which the addresses in the payload name. */
function subjectOf(body: JsonRecord): EventSubject {
  const ids = arrayAt(body, "matchedWebhookIds") ?? [];
  const webhookIds = ids.flatMap((id) => idAt({ id }, "id") ?? []);
  const self = ["issue", "comment", "user"].map((part) => stringAt(recordAt(body, part), "self")).find(isAddress);
  if (self === undefined) return { webhookIds };
  const { host, pathname } = new URL(self);
  // Also through the gateway, where the path has the cloud id.
  const [, externalOrgId] = /^\/ex\/jira\/([\w-]+)\//.exec(pathname) ?? [];
  return externalOrgId === undefined ? { webhookIds, siteHost: host } : { webhookIds, externalOrgId };
}

function isAddress(text: string | undefined): text is string {
  return text !== undefined && URL.canParse(text);
}
