import type { Request } from "express";
import { type Answer, route } from "../http/answer.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import { isRecord, readBody, textFields } from "../http/request-body.ts";
import type { PlatformWorld } from "../options.ts";
import type { TokenEndpoint } from "../token-endpoint.ts";
import { type AccessTokenShape, dress, undress } from "./access-token-shape.ts";
import type { AuthorizationServer } from "./authorization-server.ts";

export interface AtlassianTokenDependencies {
  readonly world: PlatformWorld;
  readonly server: PlatformServer;
  readonly endpoint: TokenEndpoint;
  readonly authorizationServer: AuthorizationServer;
  readonly shape: AccessTokenShape;
}

/** `POST /oauth/token` (JSON in, 403 for a dead grant) and `POST /oauth/revoke` (form or JSON). */
export function addAtlassianToken(dependencies: AtlassianTokenDependencies): void {
  const { world, server, endpoint, authorizationServer, shape } = dependencies;

  const token = async (request: Request): Promise<Answer> => {
    const body = readBody(request);
    if (body.kind !== "json") {
      server.recordFault(request, "the token endpoint takes JSON");
      return { status: 400, body: { error: "invalid_request", error_description: "the body must be JSON" } };
    }
    const fields = textFields(body);
    const reply = await authorizationServer.token(new URLSearchParams(fields));
    const answer = isRecord(reply.body) ? reply.body : {};
    if (answer.error === "invalid_grant") return invalidGrant(fields.grant_type, endpoint);
    if (typeof answer.access_token !== "string") return { status: reply.status, body: answer };
    return { status: 200, body: { ...answer, access_token: dress(answer.access_token, shape, world.random) } };
  };

  const revoke = async (request: Request): Promise<Answer> => {
    const fields = { ...textFields(readBody(request)) };
    const inner = fields.token === undefined ? undefined : undress(fields.token, shape);
    if (inner !== undefined) fields.token = inner;
    return authorizationServer.revoke(new URLSearchParams(fields));
  };

  server.routes.post("/oauth/token", endpoint.around(token));
  server.routes.post("/oauth/revoke", route(revoke));
}

function invalidGrant(grantType: string | undefined, endpoint: TokenEndpoint): Answer {
  const isRefresh = grantType === "refresh_token";
  if (isRefresh) endpoint.countDeadTokenReuse();
  const description = isRefresh ? "Unknown or invalid refresh token." : "Invalid authorization code";
  return { status: 403, body: { error: "invalid_grant", error_description: description } };
}
