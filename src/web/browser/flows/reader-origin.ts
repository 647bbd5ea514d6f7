import type { WebRequest, WebResponse } from "../../handler.ts";

/**
 * The origin of the page that asks, as its browser says it; undefined where none does. A page of our own origin that
 * only reads is told by another header.
 */
export function readerOrigin({ headers }: Pick<WebRequest, "headers">, baseUrl: URL): string | undefined {
  return headers.origin ?? (headers["sec-fetch-site"] === "same-origin" ? baseUrl.origin : undefined);
}

/** Lets a page of this origin, and of no other, read the answer. */
export function letRead(response: Pick<WebResponse, "setHeader">, origin: string): void {
  response.setHeader("Access-Control-Allow-Origin", origin);
}
