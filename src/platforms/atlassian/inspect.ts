import type { Inspection } from "../../domain/model/platform.ts";
import { type PlatformReply, retryAfterMs } from "../http.ts";
import { noFacts } from "../inspection.ts";
import { siteMetadata } from "./connection.ts";
import { parseAtlassianSites } from "./sites.ts";

/**
 * Reads what a grant reaches as an answer about one site. A 401 is about the access token: whether the grant has ended is
 * told by its refresh token alone.
 */
export function parseAtlassianInspection(reply: PlatformReply, cloudId: string): Inspection {
  if (reply.kind === "reply") {
    if (reply.status === 401) return { kind: "grant_dead", code: "unauthorized" };
    if (reply.status === 429) {
      return { kind: "rate_limited", retryAfterMs: retryAfterMs(reply.headers, reply.receivedAt) };
    }
  }
  const found = parseAtlassianSites(reply);
  if (found.kind !== "sites") return found;
  const site = found.sites.find((one) => one.cloudId === cloudId);
  if (site === undefined) return { kind: "gone", code: "site_not_accessible" };
  const { name: externalOrgName, scopes } = site;
  return { kind: "present", facts: { ...noFacts, externalOrgName, scopes, metadata: siteMetadata(site) } };
}
