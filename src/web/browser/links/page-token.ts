import { timingSafeEqual } from "node:crypto";
import { Secret } from "../../../secret.ts";
import type { WebRequest, WebResponse } from "../../handler.ts";
import type { BindingCookies } from "../binding-cookie.ts";

const name = "link";
/** As long as a link code, and the time to read about it. */
const maxAgeSeconds = 1_200;
const shape = /^[A-Za-z0-9_-]{43}$/;

/**
 * What binds a form to the browser that was shown it: the same random value in a cookie and in the form. It is the same
 * in all tabs, so that none takes the place of another; `Origin` would say `null`, since pages send no referrer.
 */
export interface PageTokens {
  /** For a form that is about to be shown. */
  issue(request: WebRequest, response: WebResponse): Secret;
  /** Whether this browser was shown the form that it sends. */
  holds(request: WebRequest, sent: string | null): boolean;
}

export function createPageTokens(cookies: BindingCookies, random: (bytes: number) => Buffer): PageTokens {
  return {
    issue(request, response) {
      const known = cookies.read(request, name);
      const value = new Secret(known !== undefined && shape.test(known) ? known : random(32).toString("base64url"));
      cookies.set(response, { name, value, maxAgeSeconds });
      return value;
    },
    holds(request, sent) {
      const known = cookies.read(request, name);
      if (known === undefined || sent === null || !shape.test(known) || !shape.test(sent)) return false;
      return timingSafeEqual(Buffer.from(known), Buffer.from(sent));
    },
  };
}
