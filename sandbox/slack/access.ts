import type { Request } from "express";
import type { Answer } from "../http/answer.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import { readBody, type TextFields, textFields } from "../http/request-body.ts";
import type { PlatformWorld } from "../options.ts";
import type { SingleUseCodes } from "../single-use-codes.ts";
import type { TokenEndpoint } from "../token-endpoint.ts";
import type { SlackCodeGrant } from "./authorize.ts";
import { clientProblem } from "./client.ts";
import { siteId, siteJson } from "./places.ts";
import type { SlackRegistration } from "./registration.ts";
import type { SlackTokenPair, SlackTokens } from "./tokens.ts";

export interface SlackAccessDependencies {
  readonly world: PlatformWorld;
  readonly server: PlatformServer;
  readonly endpoint: TokenEndpoint;
  readonly codes: SingleUseCodes<SlackCodeGrant>;
  readonly tokens: SlackTokens;
  readonly registration: SlackRegistration;
}

/** `POST /api/oauth.v2.access`: code exchange and refresh. Everything it says has status 200. */
export function addSlackAccess(dependencies: SlackAccessDependencies): void {
  const { server, endpoint, registration } = dependencies;
  const handle = (request: Request): Answer => {
    const body = readBody(request);
    if (body.kind !== "form" || new URL(request.originalUrl, server.url).search !== "") {
      server.recordFault(request, "oauth.v2.access takes a form body and no query");
      return refused("invalid_arguments");
    }
    const fields = textFields(body);
    const problem = clientProblem(request, fields, registration);
    if (problem !== undefined) return refused(problem);
    switch (fields.grant_type) {
      case undefined:
      case "authorization_code":
        return exchange(fields, dependencies);
      case "refresh_token":
        return refresh(fields, dependencies);
      default:
        return refused("invalid_grant_type");
    }
  };
  server.routes.post("/api/oauth.v2.access", endpoint.around(handle));
}

/** Slack's way to say no. */
export function refused(error: string): Answer {
  return { status: 200, body: { ok: false, error } };
}

function exchange(fields: TextFields, { world, codes, tokens, registration }: SlackAccessDependencies): Answer {
  const code = codes.spend(fields.code);
  if (code === undefined) return refused("invalid_code");
  if (code.redirectUri !== fields.redirect_uri) return refused("bad_redirect_uri");
  // The app has PKCE switched off, as an app that keeps its secret does.
  if (code.codeChallenge !== undefined || fields.code_verifier !== undefined) return refused("pkce_not_allowed");
  const { site, person } = code;
  const bot = code.botScopes.length === 0 ? undefined : tokens.grant(site, "bot", person, code.botScopes);
  const user = code.userScopes.length === 0 ? undefined : tokens.grant(site, "user", person, code.userScopes);
  return {
    status: 200,
    body: {
      ok: true,
      ...(bot && { ...tokenJson(bot, world.now()), bot_user_id: botUserId(bot) }),
      app_id: registration.appId,
      ...siteJson(site),
      authed_user: { id: person.id, ...(user && tokenJson(user, world.now())) },
    },
  };
}

function refresh(fields: TextFields, { world, endpoint, tokens, registration }: SlackAccessDependencies): Answer {
  const pair = tokens.refresh(fields.refresh_token);
  if (pair === undefined) {
    endpoint.countDeadTokenReuse();
    return refused("invalid_refresh_token");
  }
  const { actor, person, site } = pair.credential;
  return {
    status: 200,
    body: {
      ok: true,
      ...tokenJson(pair, world.now()),
      ...(actor === "bot" ? { bot_user_id: botUserId(pair) } : { id: person.id }),
      app_id: registration.appId,
      ...siteJson(site),
    },
  };
}

function tokenJson(pair: SlackTokenPair, now: Date): Record<string, unknown> {
  return {
    access_token: pair.accessToken,
    token_type: pair.credential.actor,
    scope: [...pair.credential.scopes].join(","),
    ...(pair.expiresAt && { expires_in: Math.round((pair.expiresAt.getTime() - now.getTime()) / 1000) }),
    ...(pair.refreshToken && { refresh_token: pair.refreshToken }),
  };
}

function botUserId(pair: SlackTokenPair): string {
  return `UBOT${siteId(pair.credential.site)}`;
}
