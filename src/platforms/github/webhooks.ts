import type { News } from "../../domain/model/platform-event.ts";
import type { DeliveryRequest, PlatformWebhooks } from "../../domain/model/platform-webhooks.ts";
import type { Secret } from "../../secret.ts";
import {
  deliveryIdIn,
  genuine,
  instantAt,
  isSignedBy,
  parseDelivery,
  refusedDelivery,
  signatureIn,
} from "../deliveries.ts";
import { idAt, type JsonRecord, recordAt } from "../json.ts";

/** What a GitHub App is told (page "Validating webhook deliveries"). A signature has no time in it. */
export function createGithubWebhooks(options: {
  readonly webhookSecrets: readonly Secret[];
  readonly webhookMaxBytes: number;
}): PlatformWebhooks {
  return {
    maxBytes: options.webhookMaxBytes,
    verify(request) {
      // The older header has SHA-1, and counts for nothing.
      const header = request.header("x-hub-signature-256");
      if (header === undefined) return refusedDelivery("no_signature");
      const signature = signatureIn(header, "sha256=");
      if (signature === undefined || !isSignedBy(options.webhookSecrets, [request.body], signature)) {
        return refusedDelivery("bad_signature");
      }
      if (deliveryIdIn(request, idHeader) === undefined) return refusedDelivery("no_delivery_id");
      if (deliveryIdIn(request, eventHeader) === undefined) return refusedDelivery("no_event");
      return genuine;
    },
    read(request) {
      const payload = payloadOf(request);
      const body = parseDelivery(payload ?? request.body);
      const deliveryId = deliveryIdIn(request, idHeader);
      const event = deliveryIdIn(request, eventHeader);
      if (body === undefined) return { kind: "ignored", code: "not_an_object" };
      if (deliveryId === undefined || event === undefined) return { kind: "ignored", code: "no_event" };
      const action = idAt(body, "action");
      const installation = recordAt(body, "installation");
      return {
        kind: "event",
        payload,
        event: {
          deliveryId,
          event,
          action,
          about: {
            externalInstallId: idAt(installation, "id"),
            externalOrgId: idAt(recordAt(installation, "account"), "id"),
          },
          news: newsOf(event, action, body),
          happenedAt: happenedAt(event, action, installation),
        },
      };
    },
  };
}

const idHeader = "x-github-delivery";
const eventHeader = "x-github-event";

/** A webhook that was not made by us may send a form, whose one field is the JSON. */
function payloadOf({ header, body }: DeliveryRequest): string | undefined {
  if (!/^application\/x-www-form-urlencoded(\s*;|$)/i.test(header("content-type") ?? "")) return undefined;
  return new URLSearchParams(body.toString("utf8")).get("payload") ?? undefined;
}

const changed: News = { kind: "changed" };
/** By event and action. These are sent to every app, subscribed or not, but for renames. */
const meaning: ReadonlyMap<string, News> = new Map<string, News>([
  ["installation created", { kind: "created" }],
  ["installation deleted", { kind: "ended" }],
  ["installation suspend", { kind: "suspended" }],
  ["installation unsuspend", changed],
  ["installation new_permissions_accepted", changed],
  ["installation_repositories added", changed],
  ["installation_repositories removed", changed],
  ["installation_target renamed", changed],
]);

function newsOf(event: string, action: string | undefined, body: JsonRecord): News | undefined {
  if (event !== "github_app_authorization" || action !== "revoked") return meaning.get(`${event} ${action}`);
  // It names a person and no installation.
  const externalUserId = idAt(recordAt(body, "sender"), "id");
  return externalUserId === undefined
    ? undefined
    : { kind: "grants_ended", grants: [{ actor: "user", externalUserId }] };
}

function happenedAt(event: string, action: string | undefined, installation: JsonRecord | undefined): Date | undefined {
  if (event !== "installation") return undefined;
  if (action === "suspend") return instantAt(installation, "suspended_at");
  return action === "created" ? instantAt(installation, "created_at") : undefined;
}
