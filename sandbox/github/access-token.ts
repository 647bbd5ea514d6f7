import type { Request } from "express";
import type { Answer } from "../http/answer.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import { readBody, type TextFields, textFields } from "../http/request-body.ts";
import { verifierMatches } from "../pkce.ts";
import { secretEquals } from "../secret-equals.ts";
import type { SingleUseCodes } from "../single-use-codes.ts";
import type { TokenEndpoint } from "../token-endpoint.ts";
import type { CodeGrant } from "./authorize.ts";
import type { AppRegistration, OauthAppRegistration } from "./registration.ts";
import type { UserToken, UserTokens } from "./user-tokens.ts";

export interface AccessTokenDependencies {
  readonly server: PlatformServer;
  readonly endpoint: TokenEndpoint;
  readonly codes: SingleUseCodes<CodeGrant>;
  readonly tokens: UserTokens;
  readonly app: AppRegistration;
  readonly oauthApp: OauthAppRegistration;
}

/** Sent with status 200, like everything this endpoint says. */
interface Refusal {
  readonly error: string;
  readonly description: string;
}

/** `POST /login/oauth/access_token`: code exchange and refresh for both kinds of app. */
export function addAccessToken(dependencies: AccessTokenDependencies): void {
  const { server, endpoint, app, oauthApp } = dependencies;
  const handle = (request: Request): Answer => {
    if (new URL(request.originalUrl, server.url).search !== "") {
      server.recordFault(request, "credentials belong in the body, not in the URL");
    }
    const fields = textFields(readBody(request));
    const kind = fields.client_id === app.clientId ? "app" : "oauth";
    const client = kind === "app" ? app : oauthApp;
    if (fields.client_id !== client.clientId || !secretEquals(fields.client_secret, client.clientSecret)) {
      return encode(
        request,
        refusal("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."),
      );
    }
    return encode(request, grant(fields, kind, dependencies));
  };
  server.routes.post("/login/oauth/access_token", endpoint.around(handle));
}

function grant(fields: TextFields, kind: "app" | "oauth", dependencies: AccessTokenDependencies): UserToken | Refusal {
  switch (fields.grant_type) {
    case undefined:
    case "authorization_code":
      return exchange(fields, kind, dependencies);
    case "refresh_token": {
      const token = dependencies.tokens.refresh(fields.refresh_token, kind);
      if (token !== undefined) return token;
      dependencies.endpoint.countDeadTokenReuse();
      return refusal("bad_refresh_token", "The refresh token passed is incorrect or expired.");
    }
    default:
      return refusal("unsupported_grant_type", "The grant_type is not supported.");
  }
}

function exchange(
  fields: TextFields,
  kind: "app" | "oauth",
  { codes, tokens, app, oauthApp }: AccessTokenDependencies,
): UserToken | Refusal {
  const code = codes.spend(fields.code);
  if (code === undefined || code.client !== kind || !verifierMatches(code.codeChallenge, fields.code_verifier)) {
    return refusal("bad_verification_code", "The code passed is incorrect or expired.");
  }
  // Without one at the authorize page, the callback URL that was used may be named or left out.
  const redirectUri = code.redirectUri === undefined ? (fields.redirect_uri ?? code.callbackUrl) : fields.redirect_uri;
  if (redirectUri !== code.callbackUrl) {
    return refusal(
      "redirect_uri_mismatch",
      "The redirect_uri MUST match the registered callback URL for this application.",
    );
  }
  if (!code.person.emailVerified) {
    return refusal("unverified_user_email", "The primary email address for the user must be verified.");
  }
  const expiring = kind === "app" ? app.expiringUserTokens : oauthApp.expiringTokens || code.offlineAccess;
  return tokens.issue({ client: kind, person: code.person, scopes: code.scopes, expiring });
}

function refusal(error: string, description: string): Refusal {
  return { error, description };
}

/** JSON only for those who ask for it; form text for everybody else. */
function encode(request: Request, outcome: UserToken | Refusal): Answer {
  const body = "error" in outcome ? refusalFields(outcome) : tokenFields(outcome);
  if ((request.get("accept") ?? "").includes("application/json")) return { status: 200, body };
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) form.set(name, String(value));
  return { status: 200, headers: { "content-type": "application/x-www-form-urlencoded" }, body: form.toString() };
}

function refusalFields({ error, description }: Refusal): Record<string, string> {
  return { error, error_description: description, error_uri: "https://docs.github.com/apps" };
}

function tokenFields(token: UserToken): Record<string, string | number> {
  const secondsUntil = (end: Date) => Math.round((end.getTime() - token.createdAt.getTime()) / 1000);
  return {
    access_token: token.value,
    ...(token.expiresAt && { expires_in: secondsUntil(token.expiresAt) }),
    ...(token.refreshToken && { refresh_token: token.refreshToken }),
    ...(token.refreshExpiresAt && { refresh_token_expires_in: secondsUntil(token.refreshExpiresAt) }),
    scope: token.scopes.join(","),
    token_type: "bearer",
  };
}
