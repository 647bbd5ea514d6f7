import { describeError } from "../described-error.ts";
import type { Log } from "../world.ts";
import type { WebErrorHandler, WebRequest, WebResponse } from "./handler.ts";

/**
 * The last handler of an app: `answer` gets `invalid_request` for what the HTTP layer could not read, and
 * `internal_error`, logged, for a bug. Nothing of the error reaches the answer.
 */
export function unexpectedErrors(
  log: Log,
  answer: (request: WebRequest, response: WebResponse, failure: "invalid_request" | "internal_error") => void,
): WebErrorHandler {
  // Express takes a function for an error handler only if it has four parameters.
  return (error: unknown, request, response, _next) => {
    const unreadable = isUnreadableRequest(error);
    const { requestId } = response.locals;
    if (!unreadable) log.error({ error: describeError(error), requestId }, "http.unexpected");
    if (response.headersSent) request.socket.destroy();
    else answer(request, response, unreadable ? "invalid_request" : "internal_error");
  };
}

function isUnreadableRequest(error: unknown): boolean {
  if (!(error instanceof Error) || !("status" in error)) return false;
  return typeof error.status === "number" && error.status >= 400 && error.status < 500;
}
