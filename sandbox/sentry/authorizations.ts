import type { Request } from "express";
import type { Answer } from "../http/answer.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import { readBody, type TextFields, textFields } from "../http/request-body.ts";
import type { PlatformWorld } from "../options.ts";
import { secretEquals } from "../secret-equals.ts";
import type { TokenEndpoint } from "../token-endpoint.ts";
import { jwtVerifier } from "./app-jwt.ts";
import type { SentryInstallation, SentryInstallations, SentryTokenPair } from "./installations.ts";
import type { SentryRegistration } from "./registration.ts";

export interface SentryAuthorizationsDependencies {
  readonly world: PlatformWorld;
  readonly server: PlatformServer;
  readonly endpoint: TokenEndpoint;
  readonly installations: SentryInstallations;
  readonly registration: SentryRegistration;
  readonly countJwt: () => void;
}

const jwtGrant = "urn:sentry:params:oauth:grant-type:jwt-bearer";

/** `POST /api/0/sentry-app-installations/{uuid}/authorizations/`: the code, the refresh token, or the app's JWT. */
export function addSentryAuthorizations(dependencies: SentryAuthorizationsDependencies): void {
  const { world, server, endpoint, installations, registration, countJwt } = dependencies;
  const jwtProblem = jwtVerifier(world, registration);

  const handle = (request: Request): Answer => {
    if (!request.path.endsWith("/")) server.recordFault(request, "Sentry's addresses end with a slash");
    const body = readBody(request);
    const fields = textFields(body);
    const byJwt = fields.grant_type === jwtGrant && registration.server === "current";
    if (body.kind !== "json") server.recordFault(request, "authorizations are asked for in JSON");
    const problem = byJwt ? jwtProblem(request) : clientProblem(body.kind === "json", fields, registration);
    if (problem !== undefined) return refusal(registration, 401, problem);
    const installation = installations.find(String(request.params.uuid));
    if (installation === undefined)
      return byJwt ? refusal(registration, 401, "Installation not found") : notFound(registration);
    switch (fields.grant_type) {
      case "authorization_code":
        return exchange(fields, installation, dependencies);
      case "refresh_token":
        return refresh(fields, installation, dependencies);
      case byJwt ? jwtGrant : undefined:
        countJwt();
        return replace(installation, dependencies);
      default:
        return refusal(registration, 403, "Invalid grant_type");
    }
  };
  server.routes.post("/api/0/sentry-app-installations/:uuid/authorizations/", endpoint.around(handle));
}

/** Sentry's way to say no: a real status and a sentence. Older servers have 403 for most of it, and `error`. */
export function refusal({ server }: SentryRegistration, status: number, sentence: string): Answer {
  return server === "current" ? { status, body: { detail: sentence } } : { status: 403, body: { error: sentence } };
}

/** What is said of an installation that is not there, or no more. */
export function notFound({ server }: SentryRegistration): Answer {
  const sentence = server === "current" ? "Could not find given sentry app installation" : "Not found.";
  return { status: 404, body: { detail: sentence } };
}

function clientProblem(isJson: boolean, fields: TextFields, registration: SentryRegistration): string | undefined {
  if (!isJson || fields.client_id === undefined || fields.client_secret === undefined) return "Invalid request";
  const isClient = fields.client_id === registration.clientId;
  return isClient && secretEquals(fields.client_secret, registration.clientSecret)
    ? undefined
    : "Invalid Client ID / Secret pair";
}

function exchange(
  { code }: TextFields,
  installation: SentryInstallation,
  { world, installations, registration }: SentryAuthorizationsDependencies,
): Answer {
  if (code === undefined) return { status: 400, body: { code: ["This field is required."] } };
  const owner = installations.findByCode(code);
  if (owner === undefined) return refusal(registration, 401, "Could not find grant for given code");
  if (owner !== installation) return refusal(registration, 401, "Forbidden grant");
  const isLive = installation.grant !== undefined && installation.grant.expiresAt > world.now();
  if (!isLive) return refusal(registration, 401, "Grant has already expired");
  installation.grant = undefined;
  return granted(installations.issue(installation), registration);
}

function refresh(
  { refresh_token: token }: TextFields,
  installation: SentryInstallation,
  { endpoint, installations, registration }: SentryAuthorizationsDependencies,
): Answer {
  if (token === undefined) return { status: 400, body: { refresh_token: ["This field is required."] } };
  if (installation.pair?.refreshToken !== token) {
    endpoint.countDeadTokenReuse();
    return refusal(registration, 401, "Given refresh token does not exist");
  }
  return granted(installations.issue(installation), registration);
}

function replace(
  installation: SentryInstallation,
  { installations, registration }: SentryAuthorizationsDependencies,
): Answer {
  if (!registration.manualRefresh) {
    return refusal(registration, 403, "Manual token refresh is not enabled for this organization");
  }
  if (installation.pair === undefined) return refusal(registration, 401, "Installation does not have a token");
  return granted(installations.issue(installation), registration);
}

function granted(pair: SentryTokenPair, { scopes }: SentryRegistration): Answer {
  return {
    status: 201,
    body: {
      id: "38",
      token: pair.token,
      refreshToken: pair.refreshToken,
      dateCreated: pair.createdAt.toISOString(),
      expiresAt: pair.expiresAt.toISOString(),
      scopes,
      state: null,
      application: null,
    },
  };
}
