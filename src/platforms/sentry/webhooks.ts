import { createHash } from "node:crypto";
import type { News } from "../../domain/model/platform-event.ts";
import type { PlatformWebhooks } from "../../domain/model/platform-webhooks.ts";
import type { Secret } from "../../secret.ts";
import {
  deliveryIdIn,
  genuine,
  isSignedBy,
  parseDelivery,
  refusedDelivery,
  signatureIn,
  usualMaxBytes,
} from "../deliveries.ts";
import { idAt, type JsonRecord, recordAt } from "../json.ts";

/** What Sentry's integration platform sends (page "Webhooks"). Of its headers the signature is the only one that can be believed. */
export function createSentryWebhooks(options: { readonly signingSecrets: readonly Secret[] }): PlatformWebhooks {
  return {
    maxBytes: usualMaxBytes,
    verify(request) {
      const header = request.header("sentry-hook-signature");
      if (header === undefined) return refusedDelivery("no_signature");
      const signature = signatureIn(header, "");
      const isSigned = signature !== undefined && isSignedBy(options.signingSecrets, [request.body], signature);
      return isSigned ? genuine : refusedDelivery("bad_signature");
    },
    read(request) {
      const body = parseDelivery(request.body);
      if (body === undefined) return { kind: "ignored", code: "not_an_object" };
      const event = deliveryIdIn(request, "sentry-hook-resource");
      if (event === undefined) return { kind: "ignored", code: "no_event" };
      const action = idAt(body, "action");
      // The id is not signed: what is sent with the id of another delivery is not taken for that.
      const hash = createHash("sha256").update(request.body).digest("hex");
      const id = deliveryIdIn(request, "request-id");
      return {
        kind: "event",
        event: {
          deliveryId: id === undefined ? hash : `${id}:${hash}`,
          event,
          action,
          about: { externalInstallId: idAt(recordAt(body, "installation"), "uuid") },
          news: event === "installation" ? newsOf(action, recordAt(body, "data")) : undefined,
          // A reinstall has another uuid, so nothing old can mean it.
          happenedAt: undefined,
        },
      };
    },
  };
}

/** The resource stands in a header that is not signed: what holds anything else, as a comment, is of another one. */
function newsOf(action: string | undefined, data: JsonRecord = {}): News | undefined {
  if (Object.keys(data).some((name) => name !== "installation")) return undefined;
  if (action === "deleted") return { kind: "ended" };
  return action === "created" ? { kind: "created" } : undefined;
}
