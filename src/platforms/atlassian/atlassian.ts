import type { TokenSet } from "../../domain/model/credential.ts";
import type { Identified } from "../../domain/model/earlier-row.ts";
import type { ExchangeOutcome, Platform, Unavailable } from "../../domain/model/platform.ts";
import { registrationAt } from "../../domain/model/registration.ts";
import type { Secret } from "../../secret.ts";
import { send } from "../http.ts";
import { nothingToAskWith } from "../inspection.ts";
import type { PlatformWorld } from "../module.ts";
import { type AtlassianAccount, atlassianAccountRequests, hiddenAccount, parseAtlassianAccountAt } from "./account.ts";
import { atlassianAuthorizationUrl, readAtlassianCallback } from "./authorize.ts";
import { atlassianConnection, grantLifeMs } from "./connection.ts";
import { parseAtlassianInspection } from "./inspect.ts";
import { createJiraRegistrar } from "./registrar.ts";
import type { AtlassianConfig } from "./settings.ts";
import { type AtlassianSite, atlassianSitesRequest, parseAtlassianSites } from "./sites.ts";
import {
  atlassianCodeRequest,
  atlassianRefreshRequest,
  atlassianRevokeRequest,
  parseAtlassianCodeRefusal,
  parseAtlassianGrant,
  parseAtlassianRefresh,
  parseAtlassianRevocation,
} from "./token.ts";
import { createJiraWebhooks } from "./webhooks.ts";

export type AtlassianOptions = AtlassianConfig & PlatformWorld;

/** Jira and Confluence Cloud through one OAuth 2.0 (3LO) app: one grant per person, any number of sites. */
export function createAtlassian(options: AtlassianOptions): Platform {
  return {
    name: "jira",
    registration: registrationAt(options.clientId, options.authUrl),
    products: ["jira", "confluence"],
    holder: "person",
    actors: ["user"],
    reuseLeewayMs: 10 * 60_000,
    keepAliveMs: 30 * 86_400_000,
    grantEnds: { moves: false, restMs: 90 * 86_400_000 },
    narrowing: false,
    takesScopes: true,
    consentSpendsOlder: false,
    apiBaseUrl: (installation, product) =>
      `${options.apiUrl}/ex/${product === "confluence" ? "confluence" : "jira"}/${encodeURIComponent(installation.externalOrgId)}`,
    usesPkce: () => options.pkce,
    authorizationUrl: (request) => atlassianAuthorizationUrl(options, request),
    readCallback: (query) => readAtlassianCallback(query),
    async exchange(request) {
      const grant = parseAtlassianGrant(await send(atlassianCodeRequest(options, request), options));
      switch (grant.kind) {
        case "granted":
          return connect(options, { ...grant.tokens, grantExpiresAt: grantEnd(grant.tokens) });
        case "refused":
          return parseAtlassianCodeRefusal(grant);
        default:
          return grant;
      }
    },
    async mint({ refreshToken }) {
      if (refreshToken === undefined) return { kind: "rejected", code: "no_refresh_token" };
      return parseAtlassianRefresh(await send(atlassianRefreshRequest(options, refreshToken), options));
    },
    async inspect({ externalOrgId }, { accessToken }) {
      if (accessToken === undefined) return nothingToAskWith;
      return parseAtlassianInspection(
        await send(atlassianSitesRequest(options.apiUrl, accessToken), options),
        externalOrgId,
      );
    },
    identify: ({ accessToken }) => identifyGrant(options, accessToken),
    webhooks: createJiraWebhooks(options),
    registrar: createJiraRegistrar(options),
    // Nobody documents whether it ends one refresh token or the grant of the app and account.
    revocationReach: () => "grant",
    async revoke({ refreshToken, accessToken }) {
      const token = refreshToken ?? accessToken;
      if (token === undefined) return { kind: "failed", cause: "no_token" };
      return parseAtlassianRevocation(await send(atlassianRevokeRequest(options, token), options));
    },
  };
}

function grantEnd({ token, refreshToken }: TokenSet): Date | undefined {
  return refreshToken && new Date(token.issuedAt.getTime() + grantLifeMs);
}

/** Whose site a row is that names none: sure where its token reaches one alone. */
async function identifyGrant(options: AtlassianOptions, accessToken: Secret | undefined): Promise<Identified> {
  if (accessToken === undefined) return { kind: "unknown", code: "no_token" };
  const found = parseAtlassianSites(await send(atlassianSitesRequest(options.apiUrl, accessToken), options));
  if (found.kind === "unavailable") return { kind: "unknown", code: found.cause };
  const [site, another] = found.sites;
  if (site === undefined) return { kind: "unknown", code: "no_sites" };
  if (another !== undefined) return { kind: "unknown", code: "several_sites" };
  return { kind: "identified", facts: { externalOrgId: site.cloudId, externalOrgName: site.name } };
}

/** A person waits: nobody further is asked after this. */
const lastAskMs = 12_000;

/** Learns who connected what. The code is spent by now: no failure from here on can be cured by sending it again. */
async function connect(options: AtlassianOptions, tokens: TokenSet): Promise<ExchangeOutcome> {
  const found = parseAtlassianSites(await send(atlassianSitesRequest(options.apiUrl, tokens.token.value), options));
  if (found.kind === "unavailable") return { ...found, mayHaveBeenProcessed: true };
  if (found.sites.length === 0) return { kind: "person_must_act", code: "no_sites" };
  const account = await identify(options, tokens, found.sites);
  if ("kind" in account) return { ...account, mayHaveBeenProcessed: true };
  return { kind: "connected", connection: atlassianConnection(account, found.sites, tokens) };
}

/**
 * Asks each API that may know the person until one tells. One that does not answer is passed over: the trouble is told
 * only if nobody tells who it is. The token itself is opaque and never decoded.
 */
async function identify(
  options: AtlassianOptions,
  tokens: TokenSet,
  sites: readonly AtlassianSite[],
): Promise<AtlassianAccount | Unavailable> {
  const scopes = tokens.scopes ?? options.scopes;
  const started = performance.now();
  let trouble: Unavailable | undefined;
  for (const request of atlassianAccountRequests(options.apiUrl, tokens.token.value, scopes, sites)) {
    if (performance.now() - started > lastAskMs) break;
    const answer = parseAtlassianAccountAt(request, await send(request, options));
    if (answer.kind === "account") return answer.account;
    if (answer.kind === "unavailable") trouble ??= answer;
  }
  return trouble ?? hiddenAccount(tokens);
}
