import type { IncomingMessage } from "node:http";

export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

/** In the order in which they came; those whose value is none of ours are left out. */
export function readCookies({ headers }: Pick<IncomingMessage, "headers">): readonly NamedValue[] {
  return (headers.cookie ?? "").split(";").flatMap((pair) => {
    const separator = pair.indexOf("=");
    const value = pair.slice(separator + 1).trim();
    if (separator === -1 || value === "" || !isCookieValue(value)) return [];
    return [{ name: pair.slice(0, separator).trim(), value }];
  });
}

/** Whether it may stand in a cookie of ours; browsers keep 4096 bytes of one, name and attributes included. */
export function isCookieValue(text: string): boolean {
  return /^[A-Za-z0-9._~-]{0,4000}$/.test(text);
}
