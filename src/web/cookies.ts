import type { IncomingMessage } from "node:http";

/** In the order in which they came; those whose value none of ours has are left out. */
export function readCookies({
  headers,
}: Pick<IncomingMessage, "headers">): readonly { readonly name: string; readonly value: string }[] {
  return (headers.cookie ?? "").split(";").flatMap((pair) => {
    const separator = pair.indexOf("=");
    const value = pair.slice(separator + 1).trim();
    if (separator === -1 || value === "" || !octets.test(value)) return [];
    return [{ name: pair.slice(0, separator).trim(), value }];
  });
}

const octets = /^[A-Za-z0-9._~-]*$/;
