import type { Socket } from "node:net";
import type { Express, RequestHandler } from "express";
import type { RequestIds } from "../../domain/model/telemetry.ts";
import type { Admit } from "../../domain/record/admit.ts";
import type { NodeHandler } from "../../node-handler.ts";
import type { World } from "../../world.ts";
import { type BodyRefusal, jsonBodies, noBodies, smallBodies } from "../body-limits.ts";
import type { ClientAddress } from "../client-address.ts";
import { expressApp } from "../express-app.ts";
import type { WebHandler, WebResponse } from "../handler.ts";
import { methodNotAllowed } from "../method-not-allowed.ts";
import { connectRoute, requestLog, tokenPath } from "../request-log.ts";
import { securityHeaders } from "../security-headers.ts";
import { unexpectedErrors } from "../unexpected-error.ts";
import { callersOnly } from "./callers-only.ts";
import { internalHealthRoute, type ReadHealth } from "./internal-health.ts";
import { loopbackHostOnly } from "./loopback-host.ts";
import { metricsRoute, type ReadMetrics } from "./metrics-route.ts";
import { installationsRoute, type RestCalls, revokeRoute, tokenRoute } from "./rest.ts";
import { type RestError, restError } from "./rest-error.ts";

export interface InternalAppOptions extends Pick<World, "log" | "now" | "random"> {
  /** Connect, gRPC-Web and JSON: gets every request below the service's path, whole and with its body unread. */
  readonly connect: NodeHandler;
  readonly calls: RestCalls;
  /** The pages below `/console`: get every request there, with its body unread. */
  readonly consolePages?: RequestHandler | undefined;
  readonly readHealth: ReadHealth;
  /** What `/metrics` answers; without it there is no such route. */
  readonly readMetrics?: ReadMetrics | undefined;
  /** Who may read the metrics. */
  readonly admitToMetrics: Admit;
  /** Where a request comes from, for records. */
  readonly addressOf: ClientAddress;
  /** The names in the client certificate that the connection's handshake verified. */
  readonly certificateNamesOf: (socket: Socket) => readonly string[];
  /** Whether requests may call this listener by any name: only where callers prove who they are. */
  readonly anyHost: boolean;
  /** Runs what handles a request, so that what it logs has these ids. */
  readonly inRequest?: ((ids: RequestIds, handle: () => void) => void) | undefined;
}

const servicePath = "/oauth.token.v1.TokenService/";
const consolePath = /^\/console(?:[/?]|$)/;

/** What internal services see over HTTP/1.1; only for who calls it by a loopback name, unless `anyHost`. */
export function createInternalApp(options: InternalAppOptions): Express {
  const { calls, connect, consolePages } = options;
  const app = expressApp();
  app.use(requestLog({ ...options, callersNameRequests: true }));
  app.use(securityHeaders({ https: false }));
  if (!options.anyHost) app.use(loopbackHostOnly);
  app.use((request, response, next) => {
    response.locals.certificateNames = options.certificateNamesOf(request.socket);
    next();
  });
  app.use((request, response, next) => {
    if (!request.url.startsWith(servicePath)) return next();
    response.locals.route = connectRoute;
    connect(request, response, next);
  });
  if (consolePages !== undefined) {
    app.use((request, response, next) =>
      consolePath.test(request.url) ? consolePages(request, response, next) : next(),
    );
  }
  const refuseBody = (_request: unknown, response: WebResponse, why: BodyRefusal) =>
    restError(response, ...bodyRefusals[why]);
  app.use(smallBodies(refuseBody));
  // The first, since it is asked for most. HEAD is refused where GET would hand out a token.
  app.route(tokenPath).head(onlyMethods("GET")).get(noBodies(refuseBody), tokenRoute(calls)).all(onlyMethods("GET"));
  app.get("/health", internalHealthRoute(options.readHealth));
  app.all("/health", onlyMethods("GET, HEAD"));
  if (options.readMetrics !== undefined) {
    app.get("/metrics", callersOnly(options.admitToMetrics), metricsRoute(options.readMetrics));
    app.all("/metrics", onlyMethods("GET, HEAD"));
  }
  app.get("/oauth/installations", noBodies(refuseBody), installationsRoute(calls));
  app.all("/oauth/installations", onlyMethods("GET, HEAD"));
  app.delete("/oauth/installations/:id", jsonBodies(refuseBody), revokeRoute(calls));
  app.all("/oauth/installations/:id", onlyMethods("DELETE"));
  app.use(notFound);
  app.use(unexpectedErrors(options.log, (_request, response, failure) => answerUnexpected(response, failure)));
  return app;
}

const bodyRefusals: Record<BodyRefusal, readonly [status: number, error: RestError]> = {
  body_too_large: [
    413,
    { code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST", message: "the body is larger than 64 KiB" },
  ],
  body_not_json: [
    415,
    { code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST", message: "a body has to be application/json" },
  ],
  body_not_read: [
    400,
    {
      code: "INVALID_ARGUMENT",
      reason: "INVALID_REQUEST",
      message: "this route reads its query, and no body: what is said there would not count",
    },
  ],
};

const notFound: WebHandler = (_request, response) =>
  restError(response, 404, { code: "NOT_FOUND", reason: "INVALID_REQUEST", message: "there is no such route" });

function onlyMethods(allow: string): WebHandler {
  const message = `this route takes ${allow} only`;
  return methodNotAllowed(allow, (_request, response) =>
    restError(response, 405, { code: "UNIMPLEMENTED", reason: "INVALID_REQUEST", message }),
  );
}

function answerUnexpected(response: WebResponse, failure: "invalid_request" | "internal_error"): void {
  if (failure === "internal_error") {
    restError(response, 500, { code: "INTERNAL", reason: "", message: "internal error" });
  } else {
    const message = "the path is not percent-encoded UTF-8";
    restError(response, 400, { code: "INVALID_ARGUMENT", reason: "INVALID_REQUEST", message });
  }
}
