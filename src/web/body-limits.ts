import type { IncomingMessage } from "node:http";
import type { WebHandler, WebRequest, WebResponse } from "./handler.ts";

/** Why a body is not taken. */
export type BodyRefusal = "body_too_large" | "body_not_json" | "body_not_read";

type Refuse<Why extends BodyRefusal> = (request: WebRequest, response: WebResponse, why: Why) => void;

/** For what comes in one of our requests. */
const maxBytes = 64 * 1024;
const json = /^application\/json(?:\s*;.*)?$/i;

/**
 * Refuses bodies that announce more than 64 KiB, before anything reads them. The connection of any body is closed after
 * the answer, so that the rest of one that nobody reads is not waited for.
 */
export function smallBodies(refuse: Refuse<"body_too_large">): WebHandler {
  return (request, response, next) => {
    if (!hasBody(request)) return next();
    response.setHeader("Connection", "close");
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) return refuse(request, response, "body_too_large");
    next();
  };
}

/** For a route that may be sent something: refuses what is no JSON. */
export function jsonBodies<P>(refuse: Refuse<"body_not_json">): WebHandler<P> {
  return (request, response, next) => {
    if (!hasBody(request) || json.test(request.headers["content-type"] ?? "")) return next();
    refuse(request as WebRequest, response, "body_not_json");
  };
}

/** For a route that reads its query alone: who narrows a token in a body would get the whole one. */
export function noBodies<P>(refuse: Refuse<"body_not_read">): WebHandler<P> {
  return (request, response, next) => {
    if (!hasBody(request)) return next();
    refuse(request as WebRequest, response, "body_not_read");
  };
}

/** RFC 9112 section 6.3: a request without either header has none. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || !/^0*$/.test(headers["content-length"] ?? "0");
}
