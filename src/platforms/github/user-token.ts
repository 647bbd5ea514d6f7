import type { TokenSet } from "../../domain/model/credential.ts";
import type { ExchangeOutcome } from "../../domain/model/platform.ts";
import { Secret } from "../../secret.ts";
import { grantEnd, lifeOf } from "../expiry.ts";
import { formRequest, type PlatformReply, type PlatformRequest } from "../http.ts";
import { numberAt, stringAt } from "../json.ts";
import { aboutOf, codeRefusal, mintRefusal } from "../refusals.ts";
import { type GithubSite, type NoAnswer, rateLimit, unrecognised } from "./api.ts";
import { githubCodeRefusals, githubRefreshRefusals } from "./refusals.ts";

/** How long a person's token lives that rotates, in seconds: what is believed where an answer does not say, or says nonsense (docs, "Refreshing user access tokens"). */
export const usualLifeSeconds = 28_800;

/** What the token endpoint said: tokens, one of its error words, or nothing that could be read. */
export type TokenAnswer =
  | { readonly kind: "tokens"; readonly tokens: TokenSet }
  | { readonly kind: "error"; readonly code: string }
  | NoAnswer;

/** Why a refresh token gave nothing; only `rejected` is about the token for good. */
export type RefreshRefusal = ReturnType<typeof mintRefusal>;

/** Spends a code (GitHub docs, "Authorizing OAuth apps"; RFC 6749 section 4.1.3, RFC 7636 section 4.5). */
export function buildCodeExchange(
  site: GithubSite,
  grant: { readonly code: Secret; readonly codeVerifier: Secret | undefined; readonly redirectUri: string },
): PlatformRequest {
  return tokenRequest(site, {
    code: grant.code.reveal(),
    redirect_uri: grant.redirectUri,
    code_verifier: grant.codeVerifier?.reveal(),
  });
}

/** Spends a refresh token: from now on neither it nor its access token works (GitHub docs, "Refreshing user tokens"). */
export function buildRefresh(site: GithubSite, refreshToken: Secret): PlatformRequest {
  return tokenRequest(site, { grant_type: "refresh_token", refresh_token: refreshToken.reveal() });
}

/**
 * Reads the token endpoint. Its refusals come with status 200, and its scopes separated by commas. `refreshed`: it was
 * asked with a refresh token, so that what it gives ends also where it does not say when.
 */
export function parseTokens(reply: PlatformReply, refreshed = false): TokenAnswer {
  if (reply.kind === "unavailable") return reply;
  const limited = rateLimit(reply);
  if (limited !== undefined) return limited;
  if (reply.status >= 500) return unrecognised(reply);
  const error = stringAt(reply.body, "error");
  // For a client id that does not exist, GitHub has no page.
  if (reply.status === 404 && error !== undefined) return { kind: "misconfigured", code: "client_not_found" };
  if (error !== undefined) return { kind: "error", code: error };
  const value = stringAt(reply.body, "access_token");
  const type = stringAt(reply.body, "token_type") ?? "bearer";
  if (reply.status !== 200 || value === undefined || type.toLowerCase() !== "bearer") return unrecognised(reply);
  const refreshToken = stringAt(reply.body, "refresh_token");
  const rotates = refreshed || refreshToken !== undefined;
  const scope = stringAt(reply.body, "scope");
  return {
    kind: "tokens",
    tokens: {
      token: {
        value: new Secret(value),
        ...lifeOf(reply, numberAt(reply.body, "expires_in"), rotates ? usualLifeSeconds : undefined),
      },
      refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
      scopes: scope === undefined ? undefined : parseScopes(scope),
      permissions: undefined,
      grantExpiresAt: grantEnd(reply, numberAt(reply.body, "refresh_token_expires_in")),
    },
  };
}

/** Splits a list of scopes; `offline_access` asks for a refresh token and is not one. */
export function parseScopes(list: string): readonly string[] {
  return list.split(/[\s,]+/).filter((scope) => scope !== "" && scope !== "offline_access");
}

/** What a refusal of the code means. */
export function parseExchangeError(word: string): ExchangeOutcome {
  const about = aboutOf(githubCodeRefusals, word);
  if (about === "code") return { kind: "code_rejected", code: word };
  if (about === "person") return { kind: "person_must_act", code: "unverified_email" };
  return codeRefusal(about, shownWord(word));
}

/** What a refusal of the refresh token means. */
export function parseRefreshError(word: string): RefreshRefusal {
  return mintRefusal(aboutOf(githubRefreshRefusals, word), shownWord(word));
}

/** A word we do not know is shown only if it looks like one. */
function shownWord(word: string): string {
  return /^[a-z_]{1,60}$/.test(word) ? word : "unknown_error";
}

function tokenRequest(site: GithubSite, fields: Readonly<Record<string, string | undefined>>): PlatformRequest {
  return formRequest(`${site.webUrl}/login/oauth/access_token`, {
    client_id: site.clientId,
    client_secret: site.clientSecret.reveal(),
    ...fields,
  });
}
