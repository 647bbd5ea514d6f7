import type { DeliveryVerdict } from "../../domain/model/platform-webhooks.ts";
import type { Secret } from "../../secret.ts";
import { genuine, isSignedBy, parseDelivery, refusedDelivery } from "../deliveries.ts";
import { type JsonRecord, numberAt } from "../json.ts";

/** How far Atlassian's clock may be from ours. */
const toleranceSeconds = 60;

/** The claims of the token in an `Authorization` header, verified or not; undefined if there is no token in it. */
export function claimsOf(authorization: string | undefined): JsonRecord | undefined {
  const [, claims] = partsOf(authorization) ?? [];
  return claims === undefined ? undefined : parseDelivery(Buffer.from(claims, "base64url"));
}

/**
 * A JWT under HS256 and nothing else: a token that says itself how it is to be verified could say `none`. It proves who
 * sends, not what is sent, so that one without an end would be good for anything for ever.
 */
export function verifyWebhookToken(
  authorization: string | undefined,
  secrets: readonly Secret[],
  now: Date,
): DeliveryVerdict {
  const [header, claims, encoded] = partsOf(authorization) ?? [];
  if (header === undefined || claims === undefined || encoded === undefined) return refusedDelivery("no_signature");
  const { alg, crit } = parseDelivery(Buffer.from(header, "base64url")) ?? {};
  if (alg !== "HS256" || crit !== undefined) return refusedDelivery("bad_algorithm");
  const signature = Buffer.from(encoded, "base64url");
  // One spelling of a signature is one: others, which decode to the same bytes, are not taken.
  const isCanonical = signature.toString("base64url") === encoded;
  if (!isCanonical || !isSignedBy(secrets, [`${header}.${claims}`], signature)) return refusedDelivery("bad_signature");
  const said = claimsOf(authorization);
  const seconds = now.getTime() / 1000;
  const expires = numberAt(said, "exp") ?? Number.NEGATIVE_INFINITY;
  const begins = Math.max(numberAt(said, "nbf") ?? 0, numberAt(said, "iat") ?? 0);
  const isCurrent = seconds < expires + toleranceSeconds && seconds > begins - toleranceSeconds;
  return isCurrent ? genuine : refusedDelivery("stale");
}

function partsOf(authorization: string | undefined): readonly string[] | undefined {
  return /^(?:Bearer|JWT) +([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(authorization ?? "")?.slice(1);
}
