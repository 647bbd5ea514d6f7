import type { RequestHandler } from "express";
import { styleSource } from "./page.ts";

const yearSeconds = 31_536_000;

/** The headers of every answer: nothing is loaded, framed, cached, sniffed or told to the next site. */
export function securityHeaders(options: { readonly https: boolean }): RequestHandler {
  const headers = new Map([
    ["Cache-Control", "no-store"],
    ["Content-Security-Policy", policy],
    ["Cross-Origin-Opener-Policy", "same-origin"],
    ["Cross-Origin-Resource-Policy", "same-origin"],
    ["Origin-Agent-Cluster", "?1"],
    ["Referrer-Policy", "no-referrer"],
    ["X-Content-Type-Options", "nosniff"],
    ["X-DNS-Prefetch-Control", "off"],
    ["X-Frame-Options", "DENY"],
    ["X-Permitted-Cross-Domain-Policies", "none"],
  ]);
  if (options.https) headers.set("Strict-Transport-Security", `max-age=${yearSeconds}`);

  return (_request, response, next) => {
    response.setHeaders(headers);
    next();
  };
}

const policy = [
  "default-src 'none'",
  `style-src ${styleSource}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
