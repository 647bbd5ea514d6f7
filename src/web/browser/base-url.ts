import type { RequestHandler } from "express";
import { rawQuery } from "../query.ts";
import { keepOpener } from "./flows/flow-name.ts";

/** Marks a request that was sent to the base URL's host already, so that it is not sent there again. */
export const atBaseUrl = "at_base_url";

/** Where browsers reach `path`, which starts with a slash, on the public listener. */
export function onBaseUrl(baseUrl: URL, path: string): URL {
  const url = new URL(baseUrl);
  url.pathname = pathOf(baseUrl) + path;
  return url;
}

/** The path that the base URL has, without a slash at its end; mostly there is none. */
export function pathOf(baseUrl: URL): string {
  return baseUrl.pathname.replace(/\/+$/, "");
}

/**
 * Sends a browser that came by another host name to the same place on the base URL, since a cookie set here would
 * not come back there. At most once: behind a proxy that rewrites `Host` every request looks like that.
 */
export function redirectToBaseUrl(baseUrl: URL): RequestHandler {
  return (request, response, next) => {
    const query = rawQuery(request);
    const sent = new URLSearchParams(query).has(atBaseUrl);
    if (sent || isHostOf(baseUrl, request.headers.host)) return next();
    const target = onBaseUrl(baseUrl, request.path);
    target.search = query === "" ? `${atBaseUrl}=1` : `${query}&${atBaseUrl}=1`;
    // It shows nothing. Where it leads says what the window is.
    keepOpener(response);
    response.status(302).setHeader("Location", target.href).end();
  };
}

/** Cookies are kept by name, whatever the port. A request without a name (HTTP/1.0) is taken as it is. */
function isHostOf(baseUrl: URL, host: string | undefined): boolean {
  if (host === undefined) return true;
  const url = `${baseUrl.protocol}//${host}`;
  return URL.canParse(url) && new URL(url).hostname === baseUrl.hostname;
}
