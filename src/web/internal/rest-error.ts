import type { FieldViolation } from "../../errors.ts";
import type { WebResponse } from "../handler.ts";

/** A refusal in the shape of the REST routes; `code` is the gRPC code's name. */
export interface RestError {
  readonly code:
    | "INVALID_ARGUMENT"
    | "UNAUTHENTICATED"
    | "PERMISSION_DENIED"
    | "NOT_FOUND"
    | "UNIMPLEMENTED"
    | "INTERNAL";
  /** As in google.rpc.ErrorInfo; empty for what is no refusal but a bug. */
  readonly reason: "INVALID_REQUEST" | "CALLER_UNAUTHENTICATED" | "CALLER_NOT_ALLOWED" | "";
  readonly message: string;
  readonly violations?: readonly FieldViolation[];
}

export function restError(response: WebResponse, status: number, error: RestError): void {
  const { code, reason, message, ...violations } = error;
  response.locals.failure = reason || code;
  response.status(status).json({ error: { code, reason, message, metadata: {}, ...violations } });
}
