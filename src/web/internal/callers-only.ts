import type { Admit } from "../../domain/record/admit.ts";
import { ServiceError } from "../../errors.ts";
import type { WebHandler } from "../handler.ts";
import { restError } from "./rest-error.ts";

/** Lets those through who may; the rest get the refusal. */
export function callersOnly(admit: Admit): WebHandler {
  return async (request, response, next) => {
    try {
      const { certificateNames = [], address, requestId } = response.locals;
      await admit({ authorization: request.get("authorization"), certificateNames }, { address, requestId });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const { message } = error;
      if (error.reason === "CALLER_NOT_ALLOWED") {
        return restError(response, 403, { code: "PERMISSION_DENIED", reason: error.reason, message });
      }
      response.setHeader("WWW-Authenticate", "Bearer");
      return restError(response, 401, { code: "UNAUTHENTICATED", reason: "CALLER_UNAUTHENTICATED", message });
    }
    next();
  };
}
