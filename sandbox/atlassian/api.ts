import { type Request, Router } from "express";
import { type Answer, route } from "../http/answer.ts";
import { bearerToken } from "../http/authorization-header.ts";
import { type AccessTokenShape, undress } from "./access-token-shape.ts";
import type { AuthorizationServer } from "./authorization-server.ts";
import { type AtlassianPerson, type AtlassianSite, type Product, people, scopesOf } from "./people.ts";
import type { JiraWebhooks } from "./webhooks.ts";

export interface AtlassianApiDependencies {
  readonly authorizationServer: AuthorizationServer;
  readonly shape: AccessTokenShape;
  readonly sites: () => readonly AtlassianSite[];
  readonly webhooks: JiraWebhooks;
}

type Handle = (caller: Caller, request: Request) => Answer | Promise<Answer>;

interface Caller {
  readonly person: AtlassianPerson;
  readonly scopes: readonly string[];
}

/** The API: each route answers 200 for a live access token with the right scope only, and 401 otherwise. */
export function atlassianApi({ authorizationServer, shape, sites, webhooks }: AtlassianApiDependencies): Router {
  const router = Router();
  const withCaller = (scope: string | undefined, handle: Handle) =>
    route(async (request) => {
      const token = undress(bearerToken(request) ?? "", shape);
      const found = token === undefined ? undefined : await authorizationServer.findAccessToken(token);
      const person = Object.values(people).find(({ accountId }) => accountId === found?.accountId);
      if (found === undefined || person === undefined) return unauthorized("Unauthorized");
      if (scope !== undefined && !found.scopes.includes(scope))
        return unauthorized("Unauthorized; scope does not match");
      return handle({ person, scopes: found.scopes }, request);
    });
  const withSite = (product: Product, scope: string | undefined, handle: Handle) =>
    withCaller(scope, (caller, request) => {
      const site = sites().find(({ id }) => id === request.params.cloudId);
      return site?.products.includes(product)
        ? handle(caller, request)
        : { status: 404, body: { message: "Not Found" } };
    });

  router.get(
    "/oauth/token/accessible-resources",
    withCaller(undefined, ({ scopes }) => ({
      status: 200,
      body: sites().flatMap((site) => resources(site, scopes)),
    })),
  );
  router.get(
    "/me",
    withCaller("read:me", ({ person }) => ({
      status: 200,
      body: {
        account_id: person.accountId,
        account_type: "atlassian",
        account_status: "active",
        email: person.email,
        name: person.name,
        nickname: person.name,
        picture: "https://sandbox.example/avatar.png",
      },
    })),
  );
  router.get("/ex/jira/:cloudId/rest/api/3/myself", withSite("jira", "read:jira-user", whoAmI));
  router.get(
    "/ex/confluence/:cloudId/wiki/rest/api/user/current",
    withSite("confluence", "read:confluence-user", whoAmI),
  );
  const webhookRoute = withSite("jira", undefined, ({ person: { accountId }, scopes }, request) =>
    webhooks.answer({ accountId, cloudId: String(request.params.cloudId), scopes }, request),
  );
  router.all("/ex/jira/:cloudId/rest/api/3/webhook", webhookRoute);
  router.all("/ex/jira/:cloudId/rest/api/3/webhook/refresh", webhookRoute);
  return router;
}

function whoAmI({ person }: Caller): Answer {
  return {
    status: 200,
    body: { accountId: person.accountId, accountType: "atlassian", displayName: person.name, active: true },
  };
}

/** A site is listed once for each product that the token has scopes for. */
function resources(site: AtlassianSite, scopes: readonly string[]): readonly Record<string, unknown>[] {
  return site.products
    .map((product) => ({
      id: site.id,
      name: site.name,
      url: `https://${site.name}.atlassian.example`,
      scopes: scopesOf(product, scopes),
      avatarUrl: "https://sandbox.example/site.png",
    }))
    .filter((entry) => entry.scopes.length > 0);
}

function unauthorized(message: string): Answer {
  return { status: 401, body: { code: 401, message } };
}
