import type { Unavailable } from "../../domain/model/platform.ts";
import type { Secret } from "../../secret.ts";
import { type PlatformReply, type PlatformRequest, retryAfterMs, unavailable } from "../http.ts";
import { idAt, nameAt, stringAt, textsAt } from "../json.ts";

/** One cloud site that the grant reaches, whichever products it was listed for. */
export interface AtlassianSite {
  readonly cloudId: string;
  readonly name: string;
  readonly url: string | undefined;
  readonly avatarUrl: string | undefined;
  readonly scopes: readonly string[];
  /** `jira` before `confluence`; never empty. */
  readonly products: readonly string[];
}

/** Lists what a token reaches (3LO page, section "Get the cloudid for your site"). */
export function atlassianSitesRequest(apiUrl: string, accessToken: Secret): PlatformRequest {
  return {
    method: "GET",
    url: `${apiUrl}/oauth/token/accessible-resources`,
    headers: { accept: "application/json", authorization: `Bearer ${accessToken.reveal()}` },
    keep: { id: true, name: true, url: true, avatarUrl: true, scopes: true },
  };
}

/** Merges the entries of a site: a cloud id is listed once per product. Empty if the account has no site. */
export function parseAtlassianSites(
  reply: PlatformReply,
): { readonly kind: "sites"; readonly sites: readonly AtlassianSite[] } | Unavailable {
  if (reply.kind === "unavailable") return reply;
  if (reply.status !== 200) {
    return unavailable(`http_${reply.status}`, true, retryAfterMs(reply.headers, reply.receivedAt));
  }
  if (!Array.isArray(reply.body)) return unavailable("unreadable_body", true);
  const entries: readonly unknown[] = reply.body;
  const sites = new Map<string, AtlassianSite>();
  for (const entry of entries) {
    const cloudId = idAt(entry, "id");
    if (cloudId !== undefined) sites.set(cloudId, merge(cloudId, entry, sites.get(cloudId)));
  }
  if (sites.size === 0 && entries.length > 0) return unavailable("unreadable_body", true);
  return { kind: "sites", sites: [...sites.values()] };
}

function merge(cloudId: string, entry: unknown, known: AtlassianSite | undefined): AtlassianSite {
  const scopes = [...new Set([...(known?.scopes ?? []), ...textsAt(entry, "scopes")])];
  return {
    cloudId,
    name: known?.name ?? nameAt(entry, "name") ?? cloudId,
    url: known?.url ?? stringAt(entry, "url"),
    avatarUrl: known?.avatarUrl ?? stringAt(entry, "avatarUrl"),
    scopes,
    products: productsOf(scopes),
  };
}

/** Scopes are the only thing that tells products apart. What neither product knows is taken for Jira. */
export function productsOf(scopes: readonly string[]): readonly string[] {
  const confluence = scopes.some((scope) => scope.includes("confluence"));
  const jira = scopes.some((scope) => scope.includes("jira") || scope.includes("servicedesk"));
  return [...(jira || !confluence ? ["jira"] : []), ...(confluence ? ["confluence"] : [])];
}
