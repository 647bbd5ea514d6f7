import type { RequestHandler, Response } from "express";
import { contentPolicy } from "./document.ts";
import { cardStyle } from "./page.ts";

const yearSeconds = 31_536_000;

/** The headers of every answer: nothing is loaded, framed, cached, sniffed or told to the next site. */
export function securityHeaders(options: { readonly https: boolean }): RequestHandler {
  const headers = new Map([
    ["Cache-Control", "no-store"],
    ["Content-Security-Policy", contentPolicy({ stylesheet: cardStyle })],
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

/** For a page that has a script: it may run, and no other. */
export function allowScript(response: Pick<Response, "setHeader">, nonce: string): void {
  response.setHeader("Content-Security-Policy", contentPolicy({ stylesheet: cardStyle, scriptNonce: nonce }));
}

/** For a page that has forms: they may go to where the page came from. */
export function allowOwnForms(response: Pick<Response, "setHeader">): void {
  response.setHeader("Content-Security-Policy", contentPolicy({ stylesheet: cardStyle, forms: true }));
}
