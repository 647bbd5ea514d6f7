import type { Credentials } from "../token-client.ts";
import type { Proof } from "./calls.ts";

/** What proves who calls: asked for every attempt, since such tokens are renewed. */
export function createProof(credentials: Credentials | undefined): Proof {
  if (credentials === undefined || "certificate" in credentials) return async () => ({});
  if ("apiKey" in credentials) {
    const headers = { authorization: bearer(credentials.apiKey, "the API key") };
    return async () => headers;
  }
  return async () => ({ authorization: bearer(await credentials.bearer(), "what bearer() gave") });
}

/** Whether it can stand in a header as it is, as every key and token can. */
export function fitsHeader(secret: string): boolean {
  return /^[\x21-\x7e]+$/.test(secret);
}

/** @throws TypeError, which unlike that of `Headers` does not show it, when no header can hold it. */
export function bearer(secret: string, what: string): string {
  if (typeof secret !== "string" || !fitsHeader(secret)) {
    throw new TypeError(`${what} is empty, or has characters that a header cannot hold, such as a line's end`);
  }
  return `Bearer ${secret}`;
}
