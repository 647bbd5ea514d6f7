import type { WebHandler } from "../handler.ts";
import { restError } from "./rest-error.ts";

/**
 * Refuses requests that name this listener by anything but loopback: a web page can make a name of its own resolve to
 * 127.0.0.1 and read the answers (DNS rebinding), but its requests still carry that name.
 */
export const loopbackHostOnly: WebHandler = (request, response, next) => {
  if (isLoopbackHost(request.headers.host)) return next();
  restError(response, 403, {
    code: "PERMISSION_DENIED",
    reason: "CALLER_NOT_ALLOWED",
    message: "this listener answers only when the Host header is localhost, 127.0.0.0/8 or [::1]",
  });
};

/** Whether a `Host` header (with or without a port) is `localhost`, in 127.0.0.0/8, or `[::1]`. */
export function isLoopbackHost(host: string | undefined): boolean {
  const name = hostPattern.exec(host ?? "")?.[1]?.toLowerCase();
  return name === "localhost" || name === "[::1]" || (name !== undefined && loopbackV4.test(name));
}

const hostPattern = /^([^:@/?#\\\s]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;
const loopbackV4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
