import type { AuthorizationRequest, Callback } from "../../domain/model/platform.ts";
import { readCodeCallback } from "../code-callback.ts";

/** What the consent page has to know about us. */
export interface AtlassianConsent {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly pkce: boolean;
  readonly authUrl: string;
  readonly apiUrl: string;
}

/** Errors that speak of our registration (RFC 6749 section 4.1.2.1), not of the person. */
const misconfiguredErrors: ReadonlySet<string> = new Set([
  "invalid_client",
  "invalid_request",
  "invalid_scope",
  "redirect_uri_mismatch",
  "unauthorized_client",
  "unsupported_response_type",
]);

/**
 * The consent page of "OAuth 2.0 (3LO) apps". `offline_access` is always asked for: it exists in no console, and
 * without it nothing can be refreshed.
 */
export function atlassianAuthorizationUrl(consent: AtlassianConsent, request: AuthorizationRequest): URL {
  const url = new URL(`${consent.authUrl}/authorize`);
  url.search = new URLSearchParams({
    audience: audience(consent.apiUrl),
    client_id: consent.clientId,
    scope: [...new Set([...consent.scopes, ...(request.extraScopes ?? []), "offline_access"])].join(" "),
    redirect_uri: request.redirectUri,
    state: request.state,
    response_type: "code",
    prompt: "consent",
    ...(consent.pkce && request.codeChallenge !== undefined
      ? { code_challenge: request.codeChallenge, code_challenge_method: "S256" }
      : {}),
  }).toString();
  return url;
}

/** Only `access_denied` has been seen beside a code. */
export function readAtlassianCallback(query: URLSearchParams): Callback {
  return readCodeCallback(query, misconfiguredErrors);
}

/** The API's host, also in the government cloud. A test host on loopback stands in for the public cloud. */
function audience(apiUrl: string): string {
  const { hostname } = new URL(apiUrl);
  const loopback = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  return loopback ? "api.atlassian.com" : hostname;
}
