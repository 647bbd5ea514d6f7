import { type Consent, sendPage } from "../http/consent.ts";
import { messagePage } from "../http/pages.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import type { SingleUseCodes } from "../single-use-codes.ts";
import type { Person } from "./accounts.ts";
import type { AppRegistration, OauthAppRegistration } from "./registration.ts";

/** What an authorization code stands for. */
export interface CodeGrant {
  readonly client: "app" | "oauth";
  readonly person: Person;
  readonly scopes: readonly string[];
  readonly offlineAccess: boolean;
  /** As sent to the authorize page; undefined if it was not. */
  readonly redirectUri: string | undefined;
  /** Where the browser was sent. */
  readonly callbackUrl: string;
  readonly codeChallenge: string | undefined;
}

export interface AuthorizeDependencies {
  readonly server: PlatformServer;
  readonly consent: Consent;
  readonly codes: SingleUseCodes<CodeGrant>;
  readonly app: AppRegistration;
  readonly oauthApp: OauthAppRegistration;
  readonly signedIn: () => Person;
  /** RFC 9207; undefined for a GitHub that does not send it. */
  readonly issuer: string | undefined;
}

/** `GET /login/oauth/authorize`: the web flow of both kinds of app. */
export function addAuthorizePage(dependencies: AuthorizeDependencies): void {
  const { server, consent, codes, app, oauthApp, signedIn, issuer } = dependencies;

  server.routes.get("/login/oauth/authorize", async (request, response) => {
    const query = new URL(request.originalUrl, server.url).searchParams;
    const kind = query.get("client_id") === app.clientId ? "app" : "oauth";
    const client = kind === "app" ? app : oauthApp;
    const [registered] = client.callbackUrls;
    if (query.get("client_id") !== client.clientId || registered === undefined) {
      server.recordFault(request, "unknown client_id");
      return sendPage(response, 404, messagePage("Not found", "No app has this client id."));
    }
    const redirectUri = query.get("redirect_uri") ?? undefined;
    const callbackUrl = redirectUri ?? registered;
    const back = (url: string, fields: Record<string, string | undefined>) =>
      withQuery(url, { ...fields, state: query.get("state") ?? undefined });
    const refuse = (url: string, error: string, description: string) => {
      server.recordFault(request, `${error}: ${description}`);
      response.redirect(302, back(url, { error, error_description: description }));
    };
    if (!client.callbackUrls.includes(callbackUrl)) {
      return refuse(registered, "redirect_uri_mismatch", "The redirect_uri is not associated with this application.");
    }
    if (!["select_account", null].includes(query.get("prompt"))) server.recordFault(request, "unknown prompt");
    const problem = challengeProblem(query) ?? scopeProblem(query, kind);
    if (problem !== undefined) return refuse(callbackUrl, "invalid_request", problem);

    if (kind === "app" && query.has("scope")) server.recordFault(request, "a GitHub App has permissions, not scopes");

    const person = signedIn();
    const requested = kind === "app" ? [] : scopesOf(query);
    const scopes = requested.filter((scope) => scope !== "offline_access");
    await consent.ask(
      response,
      {
        platform: "GitHub",
        heading: `Authorize ${kind === "app" ? app.slug : "the OAuth App"}`,
        person: person.login,
        asks: scopes,
      },
      {
        approve: () => {
          const code = codes.issue({
            client: kind,
            person,
            scopes,
            offlineAccess: requested.includes("offline_access"),
            redirectUri,
            callbackUrl,
            codeChallenge: query.get("code_challenge") ?? undefined,
          });
          return back(callbackUrl, { code, iss: issuer });
        },
        deny: () =>
          back(callbackUrl, {
            error: "access_denied",
            error_description: "The user has denied your application access.",
          }),
      },
    );
  });
}

/** Adds the fields that have a value to a URL's query. */
export function withQuery(url: string, fields: Readonly<Record<string, string | undefined>>): string {
  const target = new URL(url);
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) target.searchParams.set(name, value);
  return target.href;
}

function scopesOf(query: URLSearchParams): readonly string[] {
  return (query.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
}

function challengeProblem(query: URLSearchParams): string | undefined {
  const challenge = query.get("code_challenge");
  const method = query.get("code_challenge_method");
  if (challenge === null && method === null) return undefined;
  if (challenge === null || method === null) return "code_challenge and code_challenge_method belong together";
  if (method !== "S256") return "code_challenge_method must be S256";
  return /^[A-Za-z0-9_-]{43}$/.test(challenge) ? undefined : "code_challenge must be a base64url SHA-256";
}

function scopeProblem(query: URLSearchParams, kind: "app" | "oauth"): string | undefined {
  const malformed = kind === "oauth" ? scopesOf(query).find((scope) => !/^[a-z_:]+$/.test(scope)) : undefined;
  return malformed === undefined ? undefined : `no scope is called ${malformed}; scopes are separated by spaces`;
}
