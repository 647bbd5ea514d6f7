import type { IncomingMessage, ServerResponse } from "node:http";
import type { BrowserBinding } from "../../domain/connecting/browser-flow.ts";
import { isCookieValue, type NamedValue, readCookies } from "../cookies.ts";

/** Reads and writes the cookies that bind attempts to this browser, one for each attempt. */
export interface BindingCookies {
  /** The value for a binding's name; undefined if the browser sent none. */
  read(request: IncomingMessage, name: string): string | undefined;
  /** The values of all bindings that the browser sent. */
  all(request: IncomingMessage): readonly string[];
  /** All that the browser sent whose names begin like this, their names without prefix. */
  beginningWith(request: IncomingMessage, start: string): readonly NamedValue[];
  set(response: ServerResponse, binding: BrowserBinding): void;
  clear(response: ServerResponse, name: string): void;
}

/**
 * With https the name has the `__Host-` prefix, which browsers keep other hosts and plain http from setting
 * (RFC 6265bis section 4.1.3.2), and which is for the whole host, whatever path the base URL has. Lax: the platform's redirect back is a top-level navigation.
 */
export function bindingCookies(options: { readonly https: boolean }): BindingCookies {
  const prefix = options.https ? "__Host-ots-" : "ots-";
  const attributes = `Path=/; HttpOnly; SameSite=Lax${options.https ? "; Secure" : ""}`;

  function append(response: ServerResponse, name: string, value: string, maxAgeSeconds: number): void {
    if (!token.test(name) || !isCookieValue(value)) throw new Error("a binding does not fit into a cookie");
    response.appendHeader("Set-Cookie", `${prefix}${name}=${value}; Max-Age=${maxAgeSeconds}; ${attributes}`);
  }

  const beginningWith = (request: IncomingMessage, start: string) =>
    readCookies(request).flatMap(({ name, value }) =>
      name.startsWith(prefix + start) ? [{ name: name.slice(prefix.length), value }] : [],
    );

  return {
    read: (request, name) => readCookies(request).find((cookie) => cookie.name === prefix + name)?.value,
    all: (request) =>
      beginningWith(request, "").flatMap(({ value }) => (value.length <= longestBinding ? [value] : [])),
    beginningWith,
    set: (response, { name, value, maxAgeSeconds }) => append(response, name, value.reveal(), maxAgeSeconds),
    clear: (response, name) => append(response, name, "", 0),
  };
}

const token = /^[A-Za-z0-9_-]{1,64}$/;
const longestBinding = 256;
