import type { Log, LogFields } from "../world.ts";
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
    if (!unreadable) log.error({ ...withoutValues(error), requestId: response.locals.requestId }, "http.unexpected");
    if (response.headersSent) request.socket.destroy();
    else answer(request, response, unreadable ? "invalid_request" : "internal_error");
  };
}

function isUnreadableRequest(error: unknown): boolean {
  if (!(error instanceof Error) || !("status" in error)) return false;
  return typeof error.status === "number" && error.status >= 400 && error.status < 500;
}

/** Names and places, also of the causes: a message may hold a value that must not be logged. */
function withoutValues(error: unknown): LogFields {
  const names: string[] = [];
  let at: readonly string[] = [];
  for (let cause = error; cause instanceof Error && names.length < 5; cause = cause.cause) {
    names.push(cause.name);
    at = frames(cause);
  }
  return { error: names.length === 0 ? typeof error : names.join(" < "), at };
}

function frames({ stack = "", message }: Error): readonly string[] {
  return stack
    .slice(stack.indexOf(message) + message.length)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("at ") && !line.includes("node_modules"))
    .slice(0, 6);
}
