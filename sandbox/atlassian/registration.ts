/** How the OAuth 2.0 (3LO) app is registered. */
export interface AtlassianRegistration {
  readonly clientId: string;
  clientSecret: string;
  /** Compared exactly. */
  callbackUrls: readonly string[];
  /** What can be asked for; `offline_access` always can. */
  readonly scopes: readonly string[];
}

export interface AtlassianLifetimes {
  readonly codeSeconds: number;
  readonly accessSeconds: number;
  /** Since the refresh token was issued: every refresh starts anew. */
  readonly refreshSeconds: number;
  /** How long a spent refresh token still works; after that its use ends the whole grant. */
  readonly leewaySeconds: number;
}

export const audience = "api.atlassian.com";
