import type { RequestHandler, Router } from "express";
import type { AccountToken } from "../../../domain/links/account-token.ts";
import type { ForgetAccount } from "../../../domain/links/forget-account.ts";
import type { PollLink } from "../../../domain/links/poll-link.ts";
import type { RotateAccountSecret } from "../../../domain/links/rotate-account-secret.ts";
import type { Admit } from "../../../domain/record/admit.ts";
import type { JsonCall } from "../../../rpc/json/json-calls.ts";
import type { World } from "../../../world.ts";
import { type BodyRefusal, jsonBodies, noBodies } from "../../body-limits.ts";
import type { WebHandler, WebResponse } from "../../handler.ts";
import { methodNotAllowed } from "../../method-not-allowed.ts";
import { createRawBodies } from "../../raw-bodies.ts";
import { accountPath, pollPath } from "../../request-log.ts";
import { unexpectedErrors } from "../../unexpected-error.ts";
import { type AnswerFailure, linkPagePath } from "../answers.ts";
import { pathOf } from "../base-url.ts";
import type { BindingCookies } from "../binding-cookie.ts";
import type { PlatformLabel } from "../result-pages.ts";
import { accountTokenRoute, forgetAccountRoute, rotateSecretRoute } from "./account-routes.ts";
import { answerError, answerInvalid } from "./link-answers.ts";
import { type LinkAnswers, linkFormRoute, linkPageRoute } from "./link-page-route.ts";
import { createPageTokens } from "./page-token.ts";
import { pollRoute } from "./poll-route.ts";
import { startLinkRoute } from "./start-route.ts";

const linkCodePath = "/v1/link-code";
const accountSecretPath = `${accountPath}/secret`;

/** What there is to do with link codes. */
export interface LinkUseCases extends LinkAnswers {
  readonly poll: PollLink;
  readonly accountToken: AccountToken;
  readonly forgetAccount: ForgetAccount;
  readonly rotateAccountSecret: RotateAccountSecret;
}

/** All forms and requests of these routes that are being read. */
const bodiesBytes = 4 * 1024 * 1024;

/** Link codes: what programs ask for below `/v1`, in JSON always, and the page where a person says yes or no. */
export function addLinkRoutes(
  routes: Router,
  parts: Pick<World, "log" | "now" | "random"> & {
    readonly links: LinkUseCases;
    readonly startLink: JsonCall;
    readonly baseUrl: URL;
    readonly ownersAreBelieved: boolean;
    /** Lets in callers that may revoke; undefined where callers are not told apart. */
    readonly admitRevoker: Admit | undefined;
    readonly cookies: BindingCookies;
    readonly platformLabel: PlatformLabel;
    readonly answerFailure: AnswerFailure;
    /** Sends a browser to where the cookies are. */
    readonly toBaseUrl: RequestHandler;
    /** Lets so many forms of an address through: each yes begins an attempt, and every answer is on record. */
    readonly limitForms: WebHandler<{ platform?: string }>;
    readonly onlyGetAndPost: WebHandler;
  },
): void {
  const { links, baseUrl, cookies, random, toBaseUrl, limitForms, onlyGetAndPost } = parts;
  const readBody = createRawBodies(bodiesBytes);
  const page = {
    ...parts,
    readBody,
    pageTokens: createPageTokens(cookies, random),
    action: `${pathOf(baseUrl)}${linkPagePath}`,
  };
  routes
    .route(linkPagePath)
    .head(onlyGetAndPost)
    .get(toBaseUrl, linkPageRoute(page))
    .post(limitForms, linkFormRoute(page))
    .all(onlyGetAndPost);

  const start = startLinkRoute({ ...parts, readBody });
  routes.route(linkCodePath).post(jsonBodies(refuseBody), start).all(only("POST"));
  // HEAD is refused where GET would hand the token over.
  routes.route(pollPath).head(only("GET")).get(noBodies(refuseBody), pollRoute(links.poll)).all(only("GET"));
  routes
    .route(accountPath)
    .head(only("GET, DELETE"))
    .get(noBodies(refuseBody), accountTokenRoute(links.accountToken))
    .delete(jsonBodies(refuseBody), forgetAccountRoute(links.forgetAccount, parts.admitRevoker))
    .all(only("GET, DELETE"));
  routes
    .route(accountSecretPath)
    .post(jsonBodies(refuseBody), rotateSecretRoute(links.rotateAccountSecret))
    .all(only("POST"));
  routes.use("/v1", unexpectedErrors(parts.log, answerUnexpected));
}

function only(allow: string): WebHandler {
  return methodNotAllowed(allow, (_request, response) =>
    answerInvalid(response, 405, `this route takes ${allow} only`),
  );
}

function answerUnexpected(_request: unknown, response: WebResponse, failure: "invalid_request" | "internal_error") {
  if (failure === "internal_error") answerError(response, 500, { error: "INTERNAL", message: "internal error" });
  else answerInvalid(response, 400, "the path is not percent-encoded UTF-8");
}

const bodyRefusals: Record<BodyRefusal, readonly [status: number, message: string]> = {
  body_too_large: [413, "the body is too large"],
  body_not_json: [415, "the body has to be application/json"],
  body_not_read: [400, "this route reads no body"],
};

function refuseBody(_request: unknown, response: WebResponse, why: BodyRefusal): void {
  answerInvalid(response, ...bodyRefusals[why]);
}
