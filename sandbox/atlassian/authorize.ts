import { type Consent, sendPage } from "../http/consent.ts";
import { messagePage } from "../http/pages.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import type { AuthorizationServer } from "./authorization-server.ts";
import type { AtlassianPerson } from "./people.ts";
import { type AtlassianRegistration, audience } from "./registration.ts";

export interface AtlassianAuthorizeDependencies {
  readonly server: PlatformServer;
  readonly consent: Consent;
  readonly authorizationServer: AuthorizationServer;
  readonly registration: AtlassianRegistration;
  readonly signedIn: () => AtlassianPerson;
}

/** `GET /authorize`: asks the person, then lets the authorization server decide about the rest of the request. */
export function addAtlassianAuthorizePage(dependencies: AtlassianAuthorizeDependencies): void {
  const { server, consent, authorizationServer, registration, signedIn } = dependencies;

  server.routes.get("/authorize", async (request, response) => {
    const query = new URL(request.originalUrl, server.url).searchParams;
    const problem = requestProblem(query, registration);
    if (problem !== undefined) {
      server.recordFault(request, problem);
      return sendPage(response, 400, messagePage("Something went wrong", `Atlassian refuses: ${problem}`));
    }
    if (!query.has("state")) server.recordFault(request, "state is required for security");
    const person = signedIn();
    await consent.ask(
      response,
      {
        platform: "Atlassian",
        heading: "Give oauth-token-service access to your account",
        person: person.email,
        asks: scopesOf(query),
      },
      {
        approve: async () => {
          const forServer = new URLSearchParams(query);
          forServer.delete("audience");
          const location = await authorizationServer.authorize(forServer, person.accountId);
          return location === undefined ? undefined : withoutIssuer(location);
        },
        deny: () => {
          const callback = new URL(query.get("redirect_uri") ?? "");
          callback.searchParams.set("error", "access_denied");
          callback.searchParams.set("error_description", "User did not authorize the request");
          const state = query.get("state");
          if (state !== null) callback.searchParams.set("state", state);
          return callback.href;
        },
      },
    );
  });
}

function requestProblem(query: URLSearchParams, registration: AtlassianRegistration): string | undefined {
  if (query.get("client_id") !== registration.clientId) return "unknown client_id";
  if (!registration.callbackUrls.includes(query.get("redirect_uri") ?? "")) return "redirect_uri is not registered";
  if (query.get("audience") !== audience) return `audience must be ${audience}`;
  if (query.get("response_type") !== "code") return "response_type must be code";
  if (query.get("prompt") !== "consent") return "prompt must be consent";
  const unknown = scopesOf(query).find((scope) => scope !== "offline_access" && !registration.scopes.includes(scope));
  if (unknown !== undefined) return `the app has no scope ${unknown}; scopes are separated by spaces`;
  return scopesOf(query).length === 0 ? "no scope is asked for" : undefined;
}

function scopesOf(query: URLSearchParams): readonly string[] {
  return (query.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
}

/** Atlassian's callbacks carry no `iss`. */
function withoutIssuer(location: string): string {
  const url = new URL(location);
  url.searchParams.delete("iss");
  return url.href;
}
