import type { Request } from "express";
import { type Answer, route } from "../http/answer.ts";
import { bearerToken } from "../http/authorization-header.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import { readBody, textFields } from "../http/request-body.ts";
import type { PlatformWorld } from "../options.ts";
import { refused } from "./access.ts";
import { clientProblem } from "./client.ts";
import { siteId } from "./places.ts";
import type { SlackRegistration } from "./registration.ts";
import type { SlackTokenPair, SlackTokens } from "./tokens.ts";

export interface SlackMethodsDependencies {
  readonly world: PlatformWorld;
  readonly server: PlatformServer;
  readonly tokens: SlackTokens;
  readonly registration: SlackRegistration;
}

/** `auth.test`, `auth.revoke` and `apps.uninstall`. */
export function addSlackMethods({ world, server, tokens, registration }: SlackMethodsDependencies): void {
  const { routes } = server;
  const withToken = (handle: (token: string, request: Request) => Answer) =>
    route((request) => {
      if (new URL(request.originalUrl, server.url).searchParams.has("token")) {
        server.recordFault(request, "a token belongs in the Authorization header, not in the URL");
      }
      const token = bearerToken(request) ?? textFields(readBody(request)).token;
      return token === undefined ? refused("not_authed") : handle(token, request);
    });

  routes.all(
    "/api/auth.test",
    withToken((token) => {
      const state = tokens.find(token);
      return state.kind === "refused" ? refused(state.error) : whoAmI(state.pair, registration, world.now());
    }),
  );
  routes.post(
    "/api/auth.revoke",
    withToken((token, request) => {
      const isRefreshToken = token.startsWith("xoxe-1-");
      const state = tokens.find(token);
      if (!isRefreshToken && state.kind === "refused") return refused(state.error);
      if (textFields(readBody(request)).test === "1") return { status: 200, body: { ok: true, revoked: false } };
      return tokens.revoke(token) ? { status: 200, body: { ok: true, revoked: true } } : refused("token_revoked");
    }),
  );
  routes.post(
    "/api/apps.uninstall",
    withToken((token, request) => {
      const state = tokens.find(token);
      if (state.kind === "refused") return refused(state.error);
      const problem = clientProblem(request, textFields(readBody(request)), registration);
      if (problem !== undefined) return refused(problem === "invalid_client_id" ? "client_id_token_mismatch" : problem);
      tokens.uninstall(siteId(state.pair.credential.site));
      return { status: 200, body: { ok: true } };
    }),
  );
}

function whoAmI({ credential, expiresAt }: SlackTokenPair, registration: SlackRegistration, now: Date): Answer {
  const { site, actor, person, scopes } = credential;
  const place = site.team ?? site.enterprise;
  return {
    status: 200,
    headers: { "x-oauth-scopes": [...scopes].join(",") },
    body: {
      ok: true,
      url: "https://sandbox.slack.example/",
      team: place?.name,
      team_id: place?.id,
      ...(actor === "bot"
        ? { user: "sandbox-bot", user_id: `UBOT${siteId(site)}`, bot_id: `B${siteId(site)}` }
        : { user: person.name, user_id: person.id }),
      ...(site.enterprise && { enterprise_id: site.enterprise.id }),
      is_enterprise_install: site.team === undefined,
      app_id: registration.appId,
      ...(expiresAt && { expires_in: Math.round((expiresAt.getTime() - now.getTime()) / 1000) }),
    },
  };
}
