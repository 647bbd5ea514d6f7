import type { TokenSet } from "../../domain/model/credential.ts";
import type { Identified } from "../../domain/model/earlier-row.ts";
import type {
  CredentialSecrets,
  ExchangeOutcome,
  MintOutcome,
  Platform,
  RevokeOutcome,
} from "../../domain/model/platform.ts";
import { registrationAt } from "../../domain/model/registration.ts";
import type { Secret } from "../../secret.ts";
import { send, unavailable } from "../http.ts";
import { nothingToAskWith } from "../inspection.ts";
import type { PlatformWorld } from "../module.ts";
import { causeOf, type GithubSite } from "./api.ts";
import {
  buildTokenCheck,
  buildTokenDeletion,
  type Deletion,
  parseTokenCheck,
  parseTokenDeletion,
} from "./application-token.ts";
import { buildAuthorizeUrl } from "./authorize.ts";
import { readOauthCallback } from "./callback.ts";
import { inspectUserToken } from "./inspect.ts";
import type { GithubOauthConfig } from "./settings.ts";
import { fetchUser, type GithubUser } from "./user.ts";
import { buildCodeExchange, buildRefresh, parseExchangeError, parseRefreshError, parseTokens } from "./user-token.ts";

/** A classic OAuth App's registration, and where it is registered. */
export type GithubOauthOptions = GithubOauthConfig & PlatformWorld;

/** GitHub OAuth Apps: a person authorizes us, with tokens that rotate or, where expiry is off, live until revoked. */
export function createGithubOauth(options: GithubOauthOptions): Platform {
  const scopeOf = (extra: readonly string[] = []) =>
    [...new Set([...options.scopes, ...extra, "offline_access"])].join(" ");
  return {
    name: "github-oauth",
    registration: registrationAt(options.clientId, options.webUrl),
    products: ["github-oauth"],
    holder: "person",
    actors: ["user"],
    reuseLeewayMs: 0,
    keepAliveMs: 60 * 86_400_000,
    // Each refresh gives a new refresh token, for another six months.
    grantEnds: { moves: true },
    narrowing: false,
    takesScopes: true,
    consentSpendsOlder: false,
    apiBaseUrl: () => options.apiUrl,
    usesPkce: () => true,
    authorizationUrl: (request) => buildAuthorizeUrl(options, request, scopeOf(request.extraScopes)),
    readCallback: (query) => readOauthCallback(query, options.issuer),
    exchange: (request) => exchange(options, request),
    mint: (credential) => mint(options, credential),
    inspect: async (_, { accessToken }) =>
      accessToken === undefined ? nothingToAskWith : inspectUserToken(options, accessToken),
    identify: ({ accessToken }) => identify(options, accessToken),
    revocationReach: () => "token",
    revoke: (credential) => revoke(options, credential),
  };
}

async function exchange(site: GithubSite, request: Parameters<Platform["exchange"]>[0]): Promise<ExchangeOutcome> {
  const answer = parseTokens(await send(buildCodeExchange(site, request), site));
  if (answer.kind === "error") return parseExchangeError(answer.code);
  if (answer.kind !== "tokens") return answer;
  const user = await fetchUser(site, answer.tokens.token.value);
  if (user.kind === "user") return connected(user, answer.tokens);
  // Nobody will ever use it: whose it is remains unknown.
  await remove(site, answer.tokens.token.value);
  return user;
}

async function identify(site: GithubSite, token: Secret | undefined): Promise<Identified> {
  if (token === undefined) return { kind: "unknown", code: "no_token" };
  const user = await fetchUser(site, token);
  if (user.kind !== "user") return { kind: "unknown", code: causeOf(user) };
  return {
    kind: "identified",
    facts: { externalOrgId: user.id, externalOrgName: user.login, externalUserId: user.id },
  };
}

function connected(user: GithubUser, tokens: TokenSet): ExchangeOutcome {
  const scopes = user.scopes ?? tokens.scopes ?? [];
  return {
    kind: "connected",
    connection: {
      installations: [
        {
          products: ["github-oauth"],
          externalOrgId: user.id,
          externalOrgName: user.login,
          externalInstallId: undefined,
          externalUserId: user.id,
          scopes,
          permissions: {},
          installedBy: user.login,
          metadata: user.type === undefined ? {} : { account_type: user.type },
          suspended: false,
        },
      ],
      credentials: [
        {
          kind: tokens.refreshToken === undefined ? "long_lived" : "rotating",
          actor: "user",
          subject: user.id,
          externalUserId: user.id,
          tokens: { ...tokens, scopes },
          natural: true,
        },
      ],
    },
  };
}

async function mint(site: GithubSite, credential: CredentialSecrets): Promise<MintOutcome> {
  switch (credential.kind) {
    case "rotating":
      return credential.refreshToken === undefined ? nothingToSend : refresh(site, credential.refreshToken);
    case "long_lived":
      if (credential.accessToken === undefined) return nothingToSend;
      return parseTokenCheck(await send(buildTokenCheck(site, credential.accessToken), site));
    case "app_installation":
      return nothingToSend;
  }
}

const nothingToSend = unavailable("no_secret", false);

async function refresh(site: GithubSite, refreshToken: Secret): Promise<MintOutcome> {
  const answer = parseTokens(await send(buildRefresh(site, refreshToken), site), true);
  if (answer.kind === "error") return parseRefreshError(answer.code);
  return answer.kind === "tokens" ? { kind: "minted", tokens: answer.tokens } : answer;
}

/** An access token that has run out cannot be deleted, and its refresh token would live on: it is spent first. */
async function revoke(site: GithubSite, credential: CredentialSecrets): Promise<RevokeOutcome> {
  const { accessToken, refreshToken } = credential;
  if (accessToken !== undefined) {
    const deletion = await remove(site, accessToken);
    if (deletion.kind === "failed") return deletion;
    if (deletion.kind === "deleted" || refreshToken === undefined) return { kind: "revoked" };
  }
  if (refreshToken === undefined) return { kind: "failed", cause: "no_secret" };
  const answer = parseTokens(await send(buildRefresh(site, refreshToken), site), true);
  if (answer.kind === "tokens") {
    const deletion = await remove(site, answer.tokens.token.value);
    return deletion.kind === "failed" ? deletion : { kind: "revoked" };
  }
  if (answer.kind !== "error") return { kind: "failed", cause: causeOf(answer) };
  const refusal = parseRefreshError(answer.code);
  return refusal.kind === "rejected" ? { kind: "revoked" } : { kind: "failed", cause: causeOf(refusal) };
}

async function remove(site: GithubSite, token: Secret): Promise<Deletion> {
  return parseTokenDeletion(await send(buildTokenDeletion(site, token), site));
}
