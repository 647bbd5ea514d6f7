import { type Request, Router } from "express";
import { type Answer, route } from "../http/answer.ts";
import { bearerToken } from "../http/authorization-header.ts";
import { accessTo, accountJson, accounts, repositories, repositoryJson } from "./accounts.ts";
import { unauthorized } from "./app-jwt.ts";
import type { InstallationTokens } from "./installation-tokens.ts";
import { type Installations, installationJson } from "./installations.ts";
import { page } from "./paging.ts";
import type { UserToken, UserTokens } from "./user-tokens.ts";

export interface UserApiDependencies {
  readonly tokens: UserTokens;
  readonly installationTokens: InstallationTokens;
  readonly installations: Installations;
  readonly apiUrl: string;
}

/** What a person's token can do here: say who it is, and which installations the person can reach. */
export function userApi({ tokens, installationTokens, installations, apiUrl }: UserApiDependencies): Router {
  const router = Router();
  const asUser = (handle: (token: UserToken, request: Request) => Answer) =>
    route((request) => {
      const presented = bearerToken(request, "token");
      const token = tokens.live(presented);
      if (token !== undefined) return handle(token, request);
      if (installationTokens.live(presented) === undefined) return unauthorized("Bad credentials");
      return { status: 403, body: { message: "Resource not accessible by integration" } };
    });

  router.get(
    "/user",
    asUser((token) => ({
      status: 200,
      headers: token.client === "oauth" ? { "x-oauth-scopes": token.scopes.join(", ") } : {},
      body: userJson(token),
    })),
  );
  router.get(
    "/user/installations",
    asUser((token, request) => {
      if (token.client !== "app") {
        return {
          status: 403,
          body: { message: "You must authenticate with an access token authorized to a GitHub App" },
        };
      }
      const visible = installations.visibleTo(token.person).filter(installations.isKnown);
      const { items, headers } = page(visible, request);
      return {
        status: 200,
        headers,
        body: {
          total_count: visible.length,
          installations: items.map((installation) => installationJson(installation, apiUrl)),
        },
      };
    }),
  );
  router.get(
    "/user/installations/:id/repositories",
    asUser((token, request) => {
      const id = Number(request.params.id);
      const installation = installations.visibleTo(token.person).find((one) => one.id === id);
      if (token.client !== "app" || installation === undefined) return notFound;
      const reachable = repositories.flatMap((repository) => {
        const access = accessTo(repository, token.person);
        return repository.owner === installation.account.login && access !== undefined ? [{ repository, access }] : [];
      });
      const { items, headers } = page(reachable, request);
      return {
        status: 200,
        headers,
        body: {
          total_count: reachable.length,
          repository_selection: "all",
          repositories: items.map(({ repository, access }) => ({
            ...repositoryJson(repository),
            permissions: { admin: access === "admin", push: access !== "read", pull: true },
          })),
        },
      };
    }),
  );
  router.get(
    "/user/memberships/orgs/:org",
    asUser((token, request) => {
      const account = accounts.find(({ login, type }) => login === request.params.org && type === "Organization");
      // A GitHub App's token sees of an organization what the installation there was granted.
      const installation = installations.allOurs().find((one) => one.account.id === account?.id);
      if (token.client === "app" && installation?.permissions.members === undefined) {
        return { status: 403, body: { message: "Resource not accessible by integration" } };
      }
      const role = account && token.person.roles[account.login];
      if (account === undefined || role === undefined) return notFound;
      const body = { state: "active", role, organization: accountJson(account), user: userJson(token) };
      return { status: 200, body };
    }),
  );
  return router;
}

const notFound: Answer = { status: 404, body: { message: "Not Found", status: "404" } };

export function userJson({ person }: UserToken): Record<string, unknown> {
  return {
    login: person.login,
    id: person.id,
    node_id: `U_${person.id}`,
    type: "User",
    name: person.name,
    email: null,
  };
}
