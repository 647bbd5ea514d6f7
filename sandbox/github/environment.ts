import type { AppRegistration, OauthAppRegistration } from "./registration.ts";

export interface GithubPlace {
  readonly url: string;
  readonly apiUrl: string;
  readonly privateKeyPem: string;
  readonly app: Readonly<AppRegistration>;
  readonly oauthApp: Readonly<OauthAppRegistration>;
}

/** The service's settings for both apps. */
export function githubEnvironment({ url, apiUrl, privateKeyPem, app, oauthApp }: GithubPlace): Record<string, string> {
  return {
    GITHUB_URL: url,
    GITHUB_API_URL: apiUrl,
    GITHUB_APP_ID: String(app.appId),
    GITHUB_APP_NAME: app.slug,
    GITHUB_CLIENT_ID: app.clientId,
    GITHUB_CLIENT_SECRET: app.clientSecret,
    GITHUB_PRIVATE_KEY: privateKeyPem,
    GITHUB_WEBHOOK_SECRET: "sandbox-github-webhook-secret",
    GITHUB_OAUTH_CLIENT_ID: oauthApp.clientId,
    GITHUB_OAUTH_CLIENT_SECRET: oauthApp.clientSecret,
    GITHUB_OAUTH_SCOPES: "repo read:org",
  };
}
