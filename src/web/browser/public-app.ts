import type { Express } from "express";
import type { RateLimits, WindowLimit } from "../../domain/connecting/address-rates.ts";
import type { FinishInstall, StartFromLink, StartInstall } from "../../domain/connecting/browser-flow.ts";
import { returnOrigins } from "../../domain/connecting/return-to.ts";
import type { TellFlow } from "../../domain/connecting/tell-flow.ts";
import type { ReceiveDelivery } from "../../domain/deliveries/receive-delivery.ts";
import type { BeginFlow } from "../../domain/flows/begin-flow.ts";
import type { FlowWatch } from "../../domain/flows/watch-flow.ts";
import type { Installation } from "../../domain/model/installation.ts";
import type { Platforms } from "../../domain/model/platforms.ts";
import type { RequestIds } from "../../domain/model/telemetry.ts";
import type { Admit } from "../../domain/record/admit.ts";
import type { JsonCall } from "../../rpc/json/json-calls.ts";
import type { World } from "../../world.ts";
import { smallBodies } from "../body-limits.ts";
import type { ClientAddress } from "../client-address.ts";
import { expressApp, expressRouter } from "../express-app.ts";
import type { WebHandler, WebRequest, WebResponse } from "../handler.ts";
import { methodNotAllowed } from "../method-not-allowed.ts";
import { rawQuery } from "../query.ts";
import { createRawBodies } from "../raw-bodies.ts";
import { flowPath, readyPath, requestLog, webhookPath } from "../request-log.ts";
import { securityHeaders } from "../security-headers.ts";
import { unexpectedErrors } from "../unexpected-error.ts";
import { addressLimit } from "./address-limit.ts";
import { createAnswerFailure } from "./answers.ts";
import { pathOf, redirectToBaseUrl } from "./base-url.ts";
import { belowPath } from "./below-path.ts";
import { bindingCookies } from "./binding-cookie.ts";
import { callbackRoute } from "./callback-route.ts";
import { connectScriptPath, connectScriptRoute } from "./connect-script.ts";
import type { RequestFailure } from "./failures.ts";
import { keepOpenerOfPopup } from "./flows/flow-name.ts";
import { flowClosedRoute, flowRoute } from "./flows/flow-route.ts";
import { homeRoute } from "./home-page.ts";
import { installRoute } from "./install-route.ts";
import { addLinkRoutes, type LinkUseCases } from "./links/link-routes.ts";
import { lastAnswers, type Readiness, readyRoute } from "./readiness.ts";
import type { PlatformLabel } from "./result-pages.ts";
import { createKeptResults, resultPath, type SealedText } from "./results/kept-results.ts";
import { createShowResult, createTellResult, resultRoute } from "./results/show-result.ts";
import { webhookRoute } from "./webhook-route.ts";

export interface PublicAppOptions extends Pick<World, "log" | "now" | "random"> {
  /** Where browsers and platforms reach this app. */
  readonly baseUrl: URL;
  /** `open`: anyone may start an install; `link`: only with a link. */
  readonly installMode: "open" | "link";
  /** The product's own page for connecting; undefined: none. */
  readonly installPageUrl: URL | undefined;
  /** The origins that `return_to` may lead to. */
  readonly allowedReturnOrigins: readonly string[];
  readonly platformLabel: PlatformLabel;
  readonly startInstall: StartInstall;
  readonly startFromLink: StartFromLink;
  readonly finishInstall: FinishInstall;
  readonly beginFlow: BeginFlow;
  readonly tellFlow: TellFlow;
  readonly flowWatch: FlowWatch;
  /** Aborted when this process drains. */
  readonly leaving: AbortSignal;
  readonly platforms: Platforms;
  readonly receiveDelivery: ReceiveDelivery;
  /** Whether this process is to be sent requests. */
  readonly readiness: () => Readiness;
  /** Where a request comes from, for records and rates. */
  readonly addressOf: ClientAddress;
  readonly rateLimits: Pick<RateLimits, "count">;
  readonly links: LinkUseCases;
  readonly startLink: JsonCall;
  /** Lets in callers that may revoke; undefined where callers are not told apart: there anybody is one. */
  readonly admitRevoker: Admit | undefined;
  /** Seals what a browser carries of its results; the same for all replicas. */
  readonly resultSealer: SealedText;
  /** Those of the ids that there are. */
  readonly findInstallations: (ids: readonly string[]) => Promise<readonly Installation[]>;
  /** Runs what handles a request, so that what it logs has these ids. */
  readonly inRequest?: ((ids: RequestIds, handle: () => void) => void) | undefined;
}

/** An installation takes one start, or a few forms of the link page, and up to three callbacks. */
const starts: WindowLimit = { most: 300, windowSeconds: 60 };
const callbacks: WindowLimit = { most: 900, windowSeconds: 60 };
/** What platforms send, all of it that is under way. */
const bodiesBytes = 64 * 1024 * 1024;

/** What browsers and platforms see: install, callback, and whether we are alive. */
export function createPublicApp(options: PublicAppOptions): Express {
  const { baseUrl, log } = options;
  const https = baseUrl.protocol === "https:";
  const answerFailure = createAnswerFailure(options);
  const answer = (failure: RequestFailure) => (request: WebRequest, response: WebResponse) =>
    answerFailure(request, response, failure);
  const onlyGet = methodNotAllowed("GET", answer("method_not_allowed"));
  const onlyRead = methodNotAllowed("GET, HEAD", answer("method_not_allowed"));
  const cookies = bindingCookies({ https });
  const kept = createKeptResults({ ...options, cookies, sealer: options.resultSealer });
  const show = createShowResult({ ...options, answerFailure });
  const flow = {
    ...options,
    cookies,
    origins: returnOrigins(options.allowedReturnOrigins),
    answerFailure,
    tell: createTellResult(kept, show),
  };
  const limited = (name: string, limit: WindowLimit) => addressLimit({ ...options, name, limit, answerFailure });
  const toBaseUrl = redirectToBaseUrl(baseUrl);
  const install = installRoute(flow);
  const callback = callbackRoute(flow);
  // Existing GitHub Apps have the install route as their Setup URL, where GitHub sends what belongs to the callback.
  const installOrCallback: WebHandler<{ platform: string }> = (request, response, next) =>
    new URLSearchParams(rawQuery(request)).has("installation_id")
      ? callback(request, response, next)
      : install(request, response, next);

  const app = expressApp();
  app.use(requestLog(options));
  app.use(securityHeaders({ https }));
  app.use(lastAnswers(options.readiness));
  // Before bodies are refused: what platforms send has limits of its own.
  app.use(belowPath(pathOf(baseUrl), webhookRoutes(options)));
  app.use(smallBodies(answerFailure));
  const routes = expressRouter();
  app.use(belowPath(pathOf(baseUrl), routes));
  routes.get("/", homeRoute(options));
  routes.all("/", onlyRead);
  for (const path of ["/health", "/v1/healthz"]) {
    routes.get(path, (_request, response) => void response.json({ status: "ok" }));
    routes.all(path, onlyRead);
  }
  routes.get(connectScriptPath, connectScriptRoute());
  routes.all(connectScriptPath, onlyRead);
  routes.get(readyPath, readyRoute(options.readiness));
  routes.all(readyPath, onlyRead);
  routes.all(webhookPath, methodNotAllowed("POST", answer("method_not_allowed")));
  // HEAD is refused where GET would spend a state: link previews ask with it.
  routes
    .route("/oauth/install/:platform")
    .head(onlyGet)
    .get(keepOpenerOfPopup, toBaseUrl, limited("start", starts), installOrCallback)
    .all(onlyGet);
  routes
    .route("/oauth/callback/:platform")
    .head(onlyGet)
    .get(toBaseUrl, limited("callback", callbacks), callback)
    .all(onlyGet);
  routes.route(flowPath).head(onlyGet).get(flowRoute(options)).all(onlyGet);
  routes
    .route(`${flowPath}/closed`)
    .post(flowClosedRoute(options))
    .all(methodNotAllowed("POST", answer("method_not_allowed")));
  routes.route(resultPath).get(resultRoute({ kept, show, answerFailure })).all(onlyRead);
  addLinkRoutes(routes, {
    ...flow,
    toBaseUrl,
    limitForms: limited("link", starts),
    onlyGetAndPost: methodNotAllowed("GET, POST", answer("method_not_allowed")),
    // As at the install route: with a link, or where anyone may start anything.
    ownersAreBelieved: options.admitRevoker !== undefined || options.installMode === "open",
  });
  app.use(answer("not_found"));
  app.use(unexpectedErrors(log, answerFailure));
  return app;
}

function webhookRoutes(options: PublicAppOptions) {
  const readBody = createRawBodies(bodiesBytes);
  return expressRouter().post(webhookPath, webhookRoute({ ...options, readBody }));
}
