import { type Request, Router } from "express";
import { type Answer, route } from "../http/answer.ts";
import { bearerToken } from "../http/authorization-header.ts";
import { repositories, repositoryJson } from "./accounts.ts";
import { unauthorized } from "./app-jwt.ts";
import type { InstallationToken, InstallationTokens } from "./installation-tokens.ts";
import { page } from "./paging.ts";

/** What an installation token can do here: see its repositories, and end itself. */
export function installationApi(tokens: InstallationTokens): Router {
  const router = Router();
  const asInstallation = (handle: (token: InstallationToken, request: Request) => Answer) =>
    route((request) => {
      const token = tokens.live(bearerToken(request, "token"));
      return token === undefined ? unauthorized("Bad credentials") : handle(token, request);
    });

  router.get(
    "/installation/repositories",
    asInstallation((token, request) => {
      const reachable =
        token.repositories ?? repositories.filter(({ owner }) => owner === token.installation.account.login);
      const { items, headers } = page(reachable, request);
      return {
        status: 200,
        headers,
        body: {
          total_count: reachable.length,
          repository_selection: token.repositories === undefined ? "all" : "selected",
          repositories: items.map(repositoryJson),
        },
      };
    }),
  );
  router.delete(
    "/installation/token",
    asInstallation((token) => {
      tokens.revoke(token);
      return { status: 204 };
    }),
  );
  return router;
}
