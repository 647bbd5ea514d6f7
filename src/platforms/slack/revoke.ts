import type { RevokeOutcome } from "../../domain/model/platform.ts";
import type { Secret } from "../../secret.ts";
import { formRequest, type PlatformReply, type PlatformRequest } from "../http.ts";
import { aboutOf, refusedRevocation } from "../refusals.ts";
import { slackRevokeRefusals } from "./refusals.ts";
import { parseSlackAnswer } from "./reply.ts";

/**
 * Ends the token it is sent with (page "auth.revoke"). With rotation that is this one token, access or refresh; without,
 * the authorization behind it.
 */
export function slackRevokeRequest(slackUrl: string, token: Secret): PlatformRequest {
  return formRequest(`${slackUrl}/api/auth.revoke`, {}, { authorization: `Bearer ${token.reveal()}` });
}

/** Reads the answer to `auth.revoke`. */
export function parseSlackRevocation(reply: PlatformReply): RevokeOutcome {
  const answer = parseSlackAnswer(reply);
  switch (answer.kind) {
    case "ok":
      return { kind: "revoked" };
    case "refused":
      return refusedRevocation(aboutOf(slackRevokeRefusals, answer.code), answer.code);
    case "rate_limited":
      return { kind: "failed", cause: "rate_limited" };
    case "unavailable":
      return { kind: "failed", cause: answer.cause };
  }
}
