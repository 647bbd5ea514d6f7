import type { Identified } from "../../domain/model/earlier-row.ts";
import type { Installation } from "../../domain/model/installation.ts";
import type { Inspection } from "../../domain/model/platform.ts";
import { type PlatformReply, unavailable } from "../http.ts";
import { inspectionOf, noFacts, wordOf } from "../inspection.ts";
import { idAt, nameAt } from "../json.ts";
import { parseSlackTest } from "./token.ts";

/**
 * Reads the answer to `auth.test` with a token of this workspace or organization. Slack knows no other question: that the
 * app was removed shows in its tokens.
 */
export function parseSlackInspection(
  reply: PlatformReply,
  { externalOrgId }: Pick<Installation, "externalOrgId">,
): Inspection {
  const outcome = parseSlackTest(reply);
  // Its time has passed, which says nothing about the grant: a token without an end is never refused so.
  if (outcome.kind === "rejected" && outcome.code === "token_expired") return unavailable("token_expired", false);
  if (outcome.kind !== "confirmed" || reply.kind !== "reply") return inspectionOf(outcome);
  const { body, headers } = reply;
  const team = idAt(body, "team_id");
  const places = [team, idAt(body, "enterprise_id")].filter((id) => id !== undefined);
  if (places.length > 0 && !places.includes(externalOrgId)) return unavailable("other_organization", false);
  const facts = {
    ...noFacts,
    externalOrgName: team === externalOrgId ? nameAt(body, "team") : undefined,
    scopes: headers
      .get("x-oauth-scopes")
      ?.split(/[\s,]+/)
      .filter((scope) => scope !== ""),
  };
  return { kind: "present", facts };
}

/** Reads the same answer as whose token it is. */
export function parseSlackIdentity(reply: PlatformReply): Identified {
  const outcome = parseSlackTest(reply);
  if (outcome.kind !== "confirmed" || reply.kind !== "reply") return { kind: "unknown", code: wordOf(outcome) };
  const { body } = reply;
  const facts = { externalOrgName: nameAt(body, "team"), externalUserId: idAt(body, "user_id") };
  return { kind: "identified", facts: { ...facts, externalOrgId: idAt(body, "team_id") } };
}
