import type { TokenSet } from "../../domain/model/credential.ts";
import type {
  ExchangeOutcome,
  MintOutcome,
  RateLimited,
  RevokeOutcome,
  Unavailable,
} from "../../domain/model/platform.ts";
import { Secret } from "../../secret.ts";
import { lifeOf } from "../expiry.ts";
import {
  formRequest,
  jsonRequest,
  type PlatformReply,
  type PlatformRequest,
  type Reply,
  retryAfterMs,
  unavailable,
} from "../http.ts";
import { numberAt, stringAt } from "../json.ts";
import { aboutOf, codeRefusal, mintRefusal, refusedRevocation } from "../refusals.ts";
import {
  atlassianCodeRefusals,
  atlassianRefreshRefusals,
  atlassianRefusalStatuses,
  atlassianRevokeRefusals,
} from "./refusals.ts";

/** How long an access token lives, in seconds: what is believed where an answer does not say, or says nonsense (reference row "Access token life"). */
export const usualLifeSeconds = 3_600;

/** How we authenticate at Atlassian's token endpoint: always with the secret, also when PKCE is on. */
export interface AtlassianClient {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly authUrl: string;
}

/** What the token endpoint said to either grant: `refused` in its own words, with a status that refuses. */
export type AtlassianGrant =
  | { readonly kind: "granted"; readonly tokens: TokenSet }
  | { readonly kind: "refused"; readonly error: string; readonly text: string; readonly status: number }
  | RateLimited
  | Unavailable;

const unsupportedStatuses: ReadonlySet<number> = new Set([404, 405, 501]);

/** The code exchange, as JSON: the one encoding the 3LO page documents (section "Exchange authorization code"). */
export function atlassianCodeRequest(
  client: AtlassianClient,
  grant: { readonly code: Secret; readonly codeVerifier: Secret | undefined; readonly redirectUri: string },
): PlatformRequest {
  return tokenRequest(client, {
    grant_type: "authorization_code",
    code: grant.code.reveal(),
    redirect_uri: grant.redirectUri,
    ...(grant.codeVerifier === undefined ? {} : { code_verifier: grant.codeVerifier.reveal() }),
  });
}

/** The refresh grant: spends `refreshToken`, which keeps working for ten minutes. */
export function atlassianRefreshRequest(client: AtlassianClient, refreshToken: Secret): PlatformRequest {
  return tokenRequest(client, { grant_type: "refresh_token", refresh_token: refreshToken.reveal() });
}

/** RFC 7009, as form. Named by the server's metadata; its effect on a 3LO grant is not documented. */
export function atlassianRevokeRequest(client: AtlassianClient, token: Secret): PlatformRequest {
  return formRequest(`${client.authUrl}/oauth/revoke`, {
    client_id: client.clientId,
    client_secret: client.clientSecret.reveal(),
    token: token.reveal(),
  });
}

/** Reads the answer to a code or a refresh token. Only a refusal in the endpoint's own words says anything about it. */
export function parseAtlassianGrant(reply: PlatformReply): AtlassianGrant {
  if (reply.kind === "unavailable") return reply;
  const { status, headers, body, receivedAt } = reply;
  const retryAfter = retryAfterMs(headers, receivedAt);
  if (status === 429) return { kind: "rate_limited", retryAfterMs: retryAfter };
  if (status >= 200 && status < 300) {
    const tokens = readTokens(reply);
    return tokens === undefined ? unavailable("unreadable_body", true) : { kind: "granted", tokens };
  }
  const error = stringAt(body, "error");
  if (error === undefined || !/^[a-z_]{1,60}$/.test(error) || !atlassianRefusalStatuses.has(status)) {
    return unavailable(`http_${status}`, true, retryAfter);
  }
  return { kind: "refused", error, text: stringAt(body, "error_description") ?? "", status };
}

/** The grant as the outcome of a refresh. */
export function parseAtlassianRefresh(reply: PlatformReply): MintOutcome {
  const grant = parseAtlassianGrant(reply);
  switch (grant.kind) {
    case "granted":
      return { kind: "minted", tokens: grant.tokens };
    case "refused":
      return mintRefusal(aboutOf(atlassianRefreshRefusals, grant.error, grant.text), grant.error);
    default:
      return grant;
  }
}

/** What a refusal of the code means. */
export function parseAtlassianCodeRefusal({
  error,
  text,
}: {
  readonly error: string;
  readonly text: string;
}): ExchangeOutcome {
  const about = aboutOf(atlassianCodeRefusals, error, text);
  if (about === "code") return { kind: "code_rejected", code: error };
  return about === "person" ? { kind: "person_must_act", code: error } : codeRefusal(about, error);
}

/**
 * Reads the answer to a revocation. RFC 7009 answers 200 for a token that is dead already; servers that call such a
 * token invalid instead have told us the same. No endpoint, or none for this kind of token, is `unsupported`.
 */
export function parseAtlassianRevocation(reply: PlatformReply): RevokeOutcome {
  if (reply.kind === "unavailable") return { kind: "failed", cause: reply.cause };
  if (reply.status >= 200 && reply.status < 300) return { kind: "revoked" };
  if (unsupportedStatuses.has(reply.status)) return { kind: "unsupported" };
  const error = atlassianRefusalStatuses.has(reply.status) ? stringAt(reply.body, "error") : undefined;
  const text = stringAt(reply.body, "error_description");
  return refusedRevocation(aboutOf(atlassianRevokeRefusals, error ?? "", text), `http_${reply.status}`);
}

function tokenRequest(client: AtlassianClient, grant: Readonly<Record<string, string>>): PlatformRequest {
  return jsonRequest("POST", `${client.authUrl}/oauth/token`, {
    client_id: client.clientId,
    client_secret: client.clientSecret.reveal(),
    ...grant,
  });
}

/** A refresh reply sometimes lacks `refresh_token`: the one we have stays good. */
function readTokens(reply: Reply): TokenSet | undefined {
  const { body } = reply;
  const accessToken = stringAt(body, "access_token");
  if (accessToken === undefined) return undefined;
  const refreshToken = stringAt(body, "refresh_token");
  return {
    token: {
      value: new Secret(accessToken),
      // Every grant of ours is asked for with `offline_access`: its tokens end.
      ...lifeOf(reply, numberAt(body, "expires_in"), usualLifeSeconds),
    },
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    scopes: stringAt(body, "scope")
      ?.split(" ")
      .filter((scope) => scope !== ""),
    permissions: undefined,
    grantExpiresAt: undefined,
  };
}
