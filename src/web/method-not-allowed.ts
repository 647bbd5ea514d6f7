import type { WebHandler, WebRequest, WebResponse } from "./handler.ts";

/** For a known route that is asked with another method: says which ones it takes (RFC 9110 section 15.5.6). */
export function methodNotAllowed(
  allow: string,
  answer: (request: WebRequest, response: WebResponse) => void,
): WebHandler {
  return (request, response) => {
    response.setHeader("Allow", allow);
    answer(request, response);
  };
}
