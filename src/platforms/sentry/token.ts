import type { TokenSet } from "../../domain/model/credential.ts";
import { Secret } from "../../secret.ts";
import { lifeOf, lifeUntil } from "../expiry.ts";
import { jsonRequest, type PlatformRequest, type Reply } from "../http.ts";
import { stringAt, textsAt } from "../json.ts";
import { installationUrl } from "./installation.ts";

/** How long a token lives, in seconds (page "Public Integrations"): no answer is believed that names more. */
export const usualLifeSeconds = 28_800;

/** How we prove who we are, and where. */
export interface SentryClient {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly sentryUrl: string;
}

/** Spends the code of an installation. JSON: client id and secret are read from nothing else. */
export function sentryCodeRequest(client: SentryClient, uuid: string, code: Secret): PlatformRequest {
  return authorizationRequest(client, uuid, { grant_type: "authorization_code", code: code.reveal() });
}

/** Spends a refresh token, at once and for ever, and the access token with it. */
export function sentryRefreshRequest(client: SentryClient, uuid: string, refreshToken: Secret): PlatformRequest {
  return authorizationRequest(client, uuid, { grant_type: "refresh_token", refresh_token: refreshToken.reveal() });
}

/** Replaces whatever token set the installation has ("Manual Token Refresh"): needs nothing that could have been lost. */
export function sentryJwtRequest({ sentryUrl }: SentryClient, uuid: string, jwt: string): PlatformRequest {
  return jsonRequest(
    "POST",
    authorizationsUrl(sentryUrl, uuid),
    { grant_type: "urn:sentry:params:oauth:grant-type:jwt-bearer" },
    { authorization: `Bearer ${jwt}` },
  );
}

/** The token set in an answer; undefined if it holds none. */
export function readSentryTokens(reply: Reply): TokenSet | undefined {
  const { body } = reply;
  const accessToken = stringAt(body, "token");
  if (accessToken === undefined) return undefined;
  const refreshToken = stringAt(body, "refreshToken");
  const scopes = textsAt(body, "scopes");
  const end = Date.parse(stringAt(body, "expiresAt") ?? "");
  const life = Number.isNaN(end)
    ? lifeOf(reply, undefined, usualLifeSeconds)
    : lifeUntil(reply, new Date(end), usualLifeSeconds);
  return {
    token: { value: new Secret(accessToken), ...life },
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    scopes: scopes.length === 0 ? undefined : scopes,
    permissions: undefined,
    grantExpiresAt: undefined,
  };
}

function authorizationRequest(
  { clientId, clientSecret, sentryUrl }: SentryClient,
  uuid: string,
  grant: Readonly<Record<string, string>>,
): PlatformRequest {
  const client = { client_id: clientId, client_secret: clientSecret.reveal() };
  return jsonRequest("POST", authorizationsUrl(sentryUrl, uuid), { ...grant, ...client });
}

function authorizationsUrl(sentryUrl: string, uuid: string): string {
  return `${installationUrl(sentryUrl, uuid)}authorizations/`;
}
