import { createHash } from "node:crypto";
import { type Request, Router } from "express";
import { type Answer, route } from "../http/answer.ts";
import { basicCredentials } from "../http/authorization-header.ts";
import { readBody, textFields } from "../http/request-body.ts";
import { secretEquals } from "../secret-equals.ts";
import type { AppRegistration, OauthAppRegistration } from "./registration.ts";
import { userJson } from "./user-api.ts";
import type { UserToken, UserTokens } from "./user-tokens.ts";

export interface ApplicationsApiDependencies {
  readonly app: AppRegistration;
  readonly oauthApp: OauthAppRegistration;
  readonly tokens: UserTokens;
}

const invalid: Answer = { status: 422, body: { message: "Validation Failed" } };

/** What an app does with a person's token, by client id and secret: check it, end it, end the whole grant. */
export function applicationsApi({ app, oauthApp, tokens }: ApplicationsApiDependencies): Router {
  const router = Router();
  const withToken = (unknown: Answer, handle: (token: UserToken, clientId: string) => Answer) =>
    route((request: Request) => {
      const kind = request.params.client_id === app.clientId ? "app" : "oauth";
      const client = kind === "app" ? app : oauthApp;
      const basic = basicCredentials(request);
      if (
        request.params.client_id !== client.clientId ||
        basic?.name !== client.clientId ||
        !secretEquals(basic.password, client.clientSecret)
      ) {
        return { status: 401, body: { message: "Bad credentials" } };
      }
      const { access_token: presented } = textFields(readBody(request));
      if (presented === undefined) return invalid;
      const token = tokens.live(presented);
      return token?.client === kind ? handle(token, client.clientId) : unknown;
    });

  router.post(
    "/applications/:client_id/token",
    withToken({ status: 404, body: { message: "Not Found" } }, (token, clientId) => ({
      status: 200,
      body: tokenJson(token, clientId),
    })),
  );
  router.delete(
    "/applications/:client_id/token",
    withToken(invalid, (token) => {
      tokens.end(token);
      return { status: 204 };
    }),
  );
  router.delete(
    "/applications/:client_id/grant",
    withToken(invalid, (token) => {
      tokens.endGrant(token.client, token.person);
      return { status: 204 };
    }),
  );
  return router;
}

function tokenJson(token: UserToken, clientId: string): Record<string, unknown> {
  return {
    id: 1,
    token: token.value,
    token_last_eight: token.value.slice(-8),
    hashed_token: createHash("sha256").update(token.value).digest("hex"),
    app: { client_id: clientId, name: clientId, url: "" },
    scopes: token.client === "app" ? null : token.scopes,
    created_at: token.createdAt.toISOString(),
    expires_at: token.expiresAt?.toISOString() ?? null,
    user: userJson(token),
  };
}
