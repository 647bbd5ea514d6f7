import type { IncomingMessage } from "node:http";

/**
 * Whether a form may have come from a page of this listener: `Sec-Fetch-Site`, which no page can write, else `Origin`.
 * Another port of the same host is another site's. What says neither (no browser, or an extension that hides it) is left
 * to the form's token. The scheme is not compared, since a proxy may have taken the encryption away.
 */
export function isOwnRequest({ headers }: Pick<IncomingMessage, "headers">): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  const { origin, host } = headers;
  if (origin === undefined || origin === "null") return true;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

/** Whether a page of another site leads here: then the browser keeps back what is `SameSite=Strict`. */
export function isLedHere({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return headers["sec-fetch-site"] === "cross-site" || headers["sec-fetch-site"] === "same-site";
}
