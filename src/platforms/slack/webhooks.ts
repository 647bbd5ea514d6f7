import { hash } from "node:crypto";
import type { EndedGrant, EventSubject, News } from "../../domain/model/platform-event.ts";
import type { PlatformWebhooks, ReadDelivery } from "../../domain/model/platform-webhooks.ts";
import type { Secret } from "../../secret.ts";
import { genuine, isSignedBy, parseDelivery, refusedDelivery, signatureIn, usualMaxBytes } from "../deliveries.ts";
import { arrayAt, booleanAt, idAt, type JsonRecord, numberAt, recordAt, stringAt, textsAt } from "../json.ts";

/** A signature is as old as its timestamp, and no older than this, nor ahead of us by more. */
const maxAgeSeconds = 300;

/** What Slack's Events API sends (page "Verifying requests from Slack"). */
export function createSlackWebhooks(options: { readonly signingSecrets: readonly Secret[] }): PlatformWebhooks {
  return {
    maxBytes: usualMaxBytes,
    verify(request) {
      const header = request.header("x-slack-signature");
      if (header === undefined) return refusedDelivery("no_signature");
      const timestamp = request.header("x-slack-request-timestamp") ?? "";
      // Digits alone: what is no number is not older than anything.
      if (!/^\d{1,12}$/.test(timestamp)) return refusedDelivery("no_timestamp");
      const signature = signatureIn(header, "v0=");
      const signed = [`v0:${timestamp}:`, request.body];
      if (signature === undefined || !isSignedBy(options.signingSecrets, signed, signature)) {
        return refusedDelivery("bad_signature");
      }
      const ageSeconds = request.receivedAt.getTime() / 1000 - Number(timestamp);
      return Math.abs(ageSeconds) > maxAgeSeconds ? refusedDelivery("stale") : genuine;
    },
    read({ body: raw }) {
      const body = parseDelivery(raw);
      if (body === undefined) return { kind: "ignored", code: "not_an_object" };
      const type = idAt(body, "type");
      switch (type) {
        case "url_verification": {
          const answer = stringAt(body, "challenge");
          return answer === undefined ? { kind: "ignored", code: "no_challenge" } : { kind: "challenge", answer };
        }
        case "event_callback":
          return readEvent(body);
        case undefined:
          return { kind: "ignored", code: "no_event" };
        default: {
          // `app_rate_limited` and the like have no id; the same words at another time are another event.
          const deliveryId = hash("sha256", raw);
          const about = subjectOf(body);
          return {
            kind: "event",
            event: { deliveryId, event: type, action: undefined, about, news: undefined, happenedAt: undefined },
          };
        }
      }
    },
  };
}

function readEvent(body: JsonRecord): ReadDelivery {
  const deliveryId = idAt(body, "event_id");
  const inner = recordAt(body, "event");
  const event = idAt(inner, "type");
  if (deliveryId === undefined || event === undefined) return { kind: "ignored", code: "no_event" };
  const seconds = numberAt(body, "event_time");
  return {
    kind: "event",
    event: {
      deliveryId,
      event,
      action: undefined,
      about: subjectOf(body),
      news: newsOf(event, inner),
      happenedAt: seconds === undefined || seconds > 1e11 ? undefined : new Date(seconds * 1000),
    },
  };
}

/**
 * Whose app hears it: in a channel that several share the workspace where it happened is another one, and may be another
 * customer. An app that is installed for an enterprise is one installation, whatever workspace the event is from.
 */
function subjectOf(body: JsonRecord): EventSubject {
  const [authorization] = arrayAt(body, "authorizations") ?? [];
  const id = (name: string) => idAt(authorization, name) ?? idAt(body, `context_${name}`) ?? idAt(body, name);
  const [team, enterprise] = [id("team_id"), id("enterprise_id")];
  const wide = booleanAt(authorization, "is_enterprise_install") === true || team === undefined;
  if (wide || authorization !== undefined) return { externalOrgId: (wide ? enterprise : undefined) ?? team };
  return { externalOrgId: team, orExternalOrgId: enterprise };
}

function newsOf(event: string, inner: JsonRecord | undefined): News | undefined {
  switch (event) {
    case "app_uninstalled":
      return { kind: "ended" };
    case "tokens_revoked":
      return { kind: "grants_ended", grants: endedGrants(recordAt(inner, "tokens")) };
    case "team_rename":
    case "team_domain_change":
    case "team_access_granted":
    case "team_access_revoked":
      return { kind: "changed" };
    default:
      return undefined;
  }
}

/** Ids of people and bots, not tokens; a workspace has one bot of ours. */
function endedGrants(tokens: JsonRecord | undefined): readonly EndedGrant[] {
  const people = textsAt(tokens, "oauth").map((externalUserId) => ({ actor: "user", externalUserId }) as const);
  const bot = (arrayAt(tokens, "bot") ?? []).length > 0;
  return bot ? [...people, { actor: "app", externalUserId: undefined }] : people;
}
