import { type Request, Router } from "express";
import { type Answer, route } from "../http/answer.ts";
import { readBody } from "../http/request-body.ts";
import type { PlatformWorld } from "../options.ts";
import type { TokenEndpoint } from "../token-endpoint.ts";
import { accountJson, repositoryJson } from "./accounts.ts";
import { refuseJwt } from "./app-jwt.ts";
import type { InstallationToken, InstallationTokens } from "./installation-tokens.ts";
import { type Installation, type Installations, installationJson } from "./installations.ts";
import { narrow } from "./narrowing.ts";
import type { AppRegistration } from "./registration.ts";

export interface AppApiDependencies {
  readonly world: PlatformWorld;
  readonly app: AppRegistration;
  readonly installations: Installations;
  readonly tokens: InstallationTokens;
  readonly endpoint: TokenEndpoint;
  readonly apiUrl: string;
}

const notFound: Answer = { status: 404, body: { message: "Not Found", status: "404" } };

/** What the app does as itself, with a JWT signed by its key. */
export function appApi({ world, app, installations, tokens, endpoint, apiUrl }: AppApiDependencies): Router {
  const router = Router();
  const asApp = (handle: (request: Request) => Answer) => (request: Request) =>
    refuseJwt(request, app, world.now()) ?? handle(request);
  const withInstallation = (handle: (installation: Installation, request: Request) => Answer) =>
    asApp((request) => {
      const installation = installations.ours(Number(request.params.id));
      const known = installation !== undefined && installations.isKnown(installation);
      return known ? handle(installation, request) : notFound;
    });

  router.get(
    "/app",
    route(
      asApp(() => ({
        status: 200,
        body: {
          id: app.appId,
          slug: app.slug,
          client_id: app.clientId,
          name: app.slug,
          owner: accountJson({ id: 1, login: "sandbox", type: "Organization" }),
          permissions: app.permissions,
          events: [],
          installations_count: installations.allOurs().length,
        },
      })),
    ),
  );
  router.get(
    "/app/installations/:id",
    route(withInstallation((installation) => ({ status: 200, body: installationJson(installation, apiUrl) }))),
  );
  router.delete(
    "/app/installations/:id",
    route(
      withInstallation((installation) => {
        installations.remove(installation.id);
        return { status: 204 };
      }),
    ),
  );
  router.post(
    "/app/installations/:id/access_tokens",
    endpoint.around(
      withInstallation((installation, request) => {
        if (installation.suspendedAt !== undefined) {
          return { status: 403, body: { message: "This installation has been suspended", status: "403" } };
        }
        const outcome = narrow(readBody(request), installation);
        if (outcome.kind === "refused") return { status: outcome.status, body: { message: outcome.message } };
        return { status: 201, body: tokenJson(tokens.issue(installation, outcome.narrowed)) };
      }),
    ),
  );
  return router;
}

function tokenJson(token: InstallationToken): Record<string, unknown> {
  return {
    token: token.value,
    expires_at: token.expiresAt.toISOString().replace(".000Z", "Z"),
    permissions: token.permissions,
    repository_selection: token.repositories === undefined ? "all" : "selected",
    ...(token.repositories && { repositories: token.repositories.map(repositoryJson) }),
  };
}
