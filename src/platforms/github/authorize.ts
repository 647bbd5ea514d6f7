import type { AuthorizationRequest } from "../../domain/model/platform.ts";

/** GitHub's authorization page with PKCE (GitHub docs, "Authorizing OAuth apps"; RFC 7636 section 4.3). */
export function buildAuthorizeUrl(
  site: { readonly webUrl: string; readonly clientId: string },
  request: AuthorizationRequest,
  scope: string | undefined,
): URL {
  const url = new URL(`${site.webUrl}/login/oauth/authorize`);
  url.searchParams.set("client_id", site.clientId);
  url.searchParams.set("redirect_uri", request.redirectUri);
  url.searchParams.set("state", request.state);
  if (scope !== undefined) url.searchParams.set("scope", scope);
  if (request.codeChallenge !== undefined) {
    url.searchParams.set("code_challenge", request.codeChallenge);
    url.searchParams.set("code_challenge_method", "S256");
  }
  return url;
}
