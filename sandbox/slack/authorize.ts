import { type Consent, sendPage } from "../http/consent.ts";
import { messagePage } from "../http/pages.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import type { SingleUseCodes } from "../single-use-codes.ts";
import { type Place, type Site, type SlackPerson, teams } from "./places.ts";
import type { SlackRegistration } from "./registration.ts";

/** What an authorization code stands for. */
export interface SlackCodeGrant {
  readonly site: Site;
  readonly person: SlackPerson;
  readonly botScopes: readonly string[];
  readonly userScopes: readonly string[];
  /** As sent to the authorize page; undefined if it was not. */
  readonly redirectUri: string | undefined;
  readonly codeChallenge: string | undefined;
}

export interface SlackAuthorizeDependencies {
  readonly server: PlatformServer;
  readonly consent: Consent;
  readonly codes: SingleUseCodes<SlackCodeGrant>;
  readonly registration: SlackRegistration;
  readonly signedIn: () => SlackPerson;
  /** The team that is picked where the person does not see the page. */
  readonly preferredTeam: () => Place | undefined;
  readonly siteOf: (team: Place) => Site;
}

/** `GET /oauth/v2/authorize`. What is wrong with the request is shown on a page: there is no callback then. */
export function addSlackAuthorizePage(dependencies: SlackAuthorizeDependencies): void {
  const { server, consent, codes, registration, signedIn, preferredTeam, siteOf } = dependencies;

  server.routes.get("/oauth/v2/authorize", async (request, response) => {
    const query = new URL(request.originalUrl, server.url).searchParams;
    const problem = requestProblem(query, registration);
    const redirectUri = query.get("redirect_uri") ?? undefined;
    const callback = redirectUri ?? registration.redirectUrls[0];
    if (problem !== undefined || callback === undefined) {
      server.recordFault(request, problem ?? "no redirect URL is registered");
      return sendPage(response, 400, messagePage("Something went wrong", `Slack refuses: ${problem}`));
    }
    const person = signedIn();
    const botScopes = listOf(query.get("scope"));
    const userScopes = listOf(query.get("user_scope"));
    const state = query.get("state");
    const back = (fields: Record<string, string>) => {
      const url = new URL(callback);
      for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
      if (state !== null) url.searchParams.set("state", state);
      return url.href;
    };
    await consent.ask(
      response,
      {
        platform: "Slack",
        heading: "Install oauth-token-service",
        person: person.name,
        asks: [...botScopes, ...userScopes.map((scope) => `${scope} (as you)`)],
        choices: teams.map(({ id, name }) => ({ value: id, label: name })),
      },
      {
        approve: (choice) => {
          const team = teams.find(({ id }) => id === choice) ?? preferredTeam();
          if (team === undefined) return undefined;
          const codeChallenge = query.get("code_challenge") ?? undefined;
          const code = codes.issue({ site: siteOf(team), person, botScopes, userScopes, redirectUri, codeChallenge });
          return back({ code });
        },
        deny: () => back({ error: "access_denied" }),
      },
    );
  });
}

function requestProblem(query: URLSearchParams, registration: SlackRegistration): string | undefined {
  const scopes = [...listOf(query.get("scope")), ...listOf(query.get("user_scope"))];
  const redirectUri = query.get("redirect_uri");
  const malformed = scopes.find((scope) => !/^[a-z][a-z._:-]*$/.test(scope));
  if (query.get("client_id") !== registration.clientId) return "invalid_client_id";
  if (redirectUri === null && registration.redirectUrls.length !== 1) return "bad_redirect_uri: several are registered";
  if (redirectUri !== null && !isBelow(redirectUri, registration.redirectUrls)) return "bad_redirect_uri";
  if (malformed !== undefined) return "invalid_scope: scopes are separated by commas";
  return scopes.length === 0 ? "no_scopes" : undefined;
}

/** Whether a URL is one of the registered ones or a sub-directory of one. */
function isBelow(url: string, registered: readonly string[]): boolean {
  if (!URL.canParse(url) || url.includes("#")) return false;
  const { origin, pathname } = new URL(url);
  return registered.some((one) => {
    const base = new URL(one);
    const folder = base.pathname.endsWith("/") ? base.pathname : `${base.pathname}/`;
    return base.origin === origin && (pathname === base.pathname || pathname.startsWith(folder));
  });
}

function listOf(text: string | null): readonly string[] {
  return (text ?? "").split(",").filter((scope) => scope !== "");
}
