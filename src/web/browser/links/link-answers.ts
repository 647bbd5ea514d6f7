import { type ErrorReason, ServiceError } from "../../../errors.ts";
import { httpStatusOf } from "../../../rpc/errors/codes.ts";
import type { WebHandler, WebResponse } from "../../handler.ts";

/** What the contract says of a link in a word, and a reason of the RPCs for everything else. */
export interface LinkError {
  readonly error:
    | "unauthorized"
    | "slow_down"
    | "access_denied"
    | "expired"
    | "already_delivered"
    | "INTERNAL"
    | ErrorReason;
  readonly message?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function answerError(response: WebResponse, status: number, error: LinkError): void {
  response.locals.failure = error.error;
  response.status(status).json(error);
}

/** One answer for a secret that is missing or wrong, and for what nobody knows: nobody learns which it was. */
export function answerUnknown(response: WebResponse): void {
  response.setHeader("WWW-Authenticate", "Bearer");
  answerError(response, 401, {
    error: "unauthorized",
    message: "nothing here has this name and this secret",
  });
}

export function answerSlowDown(response: WebResponse, retryAfterMs: number): void {
  sayWhenToComeAgain(response, retryAfterMs);
  answerError(response, 429, { error: "slow_down" });
}

/** What is no request of these routes. */
export function answerInvalid(response: WebResponse, status: number, message: string): void {
  answerError(response, status, { error: "INVALID_REQUEST", message });
}

/** A refusal as the RPCs have it. `reason` is empty for a bug. */
export interface Refusal {
  readonly reason: ErrorReason | "";
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export function answerRefusal(
  response: WebResponse,
  { status, retryAfterMs }: { readonly status: number; readonly retryAfterMs: number | undefined },
  { reason, message, metadata }: Refusal,
): void {
  if (status === 401) response.setHeader("WWW-Authenticate", "Bearer");
  if (retryAfterMs !== undefined) sayWhenToComeAgain(response, retryAfterMs);
  const more = Object.keys(metadata).length === 0 ? {} : { metadata };
  answerError(response, status, { error: reason || "INTERNAL", message, ...more });
}

/** The same handler, whose refusals are answers. Everything else that it throws is a bug. */
export function refusing<P>(handle: (...request: Parameters<WebHandler<P>>) => Promise<void>): WebHandler<P> {
  return async (request, response, next) => {
    try {
      await handle(request, response, next);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const status = httpStatusOf(error.reason);
      const { retryAfterMs = status === 503 ? 1_000 : undefined } = error;
      answerRefusal(response, { status, retryAfterMs }, error);
    }
  };
}

function sayWhenToComeAgain(response: WebResponse, retryAfterMs: number): void {
  response.setHeader("Retry-After", Math.max(1, Math.ceil(retryAfterMs / 1000)));
}
