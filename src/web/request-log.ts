import type { RequestIds } from "../domain/model/telemetry.ts";
import { parseTraceparent } from "../domain/model/trace-context.ts";
import { randomIds } from "../work/random-ids.ts";
import type { Log, LogFields, World } from "../world.ts";
import type { ClientAddress } from "./client-address.ts";
import type { WebHandler } from "./handler.ts";

/** Stands for every RPC in the log. */
export const connectRoute = "/oauth.token.v1.TokenService/:method";

/** GetToken for plain HTTP callers. */
export const tokenPath = "/oauth/token/:platform";

/** What platforms tell. */
export const webhookPath = "/webhooks/:platform";

/** Whether to send requests here. */
export const readyPath = "/readyz";

/** Where a program asks what has become of its link code. */
export const pollPath = "/v1/poll/:code";

/** Where a program gets a fresh token for what its link code connected. */
export const accountPath = "/v1/tokens/:id";

/** How a connection stands that a page watches. */
export const flowPath = "/oauth/flows/:flow";

/** Routes whose lines are written at debug: they are polled, are counted, or their calls are logged as calls. */
const quiet: ReadonlySet<string> = new Set([
  "/health",
  "/v1/healthz",
  readyPath,
  "/metrics",
  connectRoute,
  tokenPath,
  webhookPath,
  pollPath,
  accountPath,
  flowPath,
]);

export interface RequestLogOptions extends Pick<World, "log" | "now" | "random"> {
  /** Whether the asker may choose the ids: `X-Request-Id`, of printable ASCII, and the trace of `traceparent`. */
  readonly callersNameRequests?: boolean;
  readonly addressOf: ClientAddress;
  /** Runs what handles the request, so that what it logs has these ids. */
  readonly inRequest?: ((ids: RequestIds, handle: () => void) => void) | undefined;
}

/** Gives every request an id, and writes one line about it when it is over: the route's pattern, never the URL. */
export function requestLog(options: RequestLogOptions): WebHandler {
  const { inRequest = (_ids, handle) => handle() } = options;

  const newRequestId = randomIds(options.random, 8);

  return (request, response, next) => {
    const startedMs = performance.now();
    const chosen = options.callersNameRequests ? request.get("x-request-id") : undefined;
    const requestId = chosen !== undefined && printable.test(chosen) ? chosen : newRequestId();
    const trace = options.callersNameRequests ? parseTraceparent(request.get("traceparent")) : undefined;
    const traceId = trace?.traceId;
    const address = options.addressOf(request);
    response.locals.requestId = requestId;
    response.locals.address = address;
    response.setHeader("X-Request-Id", requestId);
    response.once("close", () => {
      const route = response.locals.route ?? routePattern(request.route);
      const { statusCode: status } = response;
      const { failure } = response.locals;
      const ms = Math.round(performance.now() - startedMs);
      const aborted = response.writableFinished ? undefined : true;
      write(options.log, { method: request.method, route, status, ms, requestId, traceId, address, failure, aborted });
    });
    inRequest({ requestId, trace }, next);
  };
}

function write(log: Log, fields: LogFields & { readonly route: string; readonly status: number }): void {
  // A refusal there is an answer: what it comes from has a line of its own.
  if (fields.status >= 500 && fields.route !== readyPath) log.warn(fields, "http.request");
  else if (quiet.has(fields.route) && fields.failure === undefined) log.debug(fields, "http.request");
  else log.info(fields, "http.request");
}

const printable = /^[!-~]{1,128}$/;

function routePattern(route: unknown): string {
  const path = typeof route === "object" && route !== null && "path" in route ? route.path : undefined;
  return typeof path === "string" ? path : "unmatched";
}
