/** The origins a browser may be sent back to, spelled as the URL standard spells them. */
export type ReturnOrigins = ReadonlySet<string>;

export function returnOrigins(allowed: readonly string[]): ReturnOrigins {
  return new Set(allowed.map((origin) => new URL(origin).origin));
}

const longest = 2048;

/**
 * Where to send a person back to; undefined unless it is an absolute http(s) URL whose exact origin is allowed.
 * What URL parsers are known to disagree about is refused outright: the next one may read it differently.
 */
export function parseReturnTo(raw: string, allowed: ReturnOrigins): URL | undefined {
  if (raw.length > longest || ambiguous.test(raw) || !absolute.test(raw) || !URL.canParse(raw)) return undefined;
  const url = new URL(raw);
  const anonymous = url.username === "" && url.password === "";
  return anonymous && allowed.has(url.origin) ? url : undefined;
}

/** A scheme, two slashes, and an authority without userinfo, even an empty one. */
const absolute = /^https?:\/\/[^/?#@]+(?:[/?#]|$)/i;

/** Backslashes, blanks and control characters are dropped or turned by some parsers and kept by others. */
const ambiguous = /[\\\s\p{Cc}\p{Cf}]/u;

/** What the completion code is called in the address that a browser is sent back to. */
export const completionParameter = "completion_code";

/** The address with the completion code; the query it has stays as it is, letter for letter. */
export function withCompletionCode(returnTo: string, code: string): string {
  const url = new URL(returnTo);
  url.search = `${url.search === "" ? "?" : `${url.search}&`}${completionParameter}=${code}`;
  return url.href;
}

/** What tells the product's page that nobody there began this: it has to ask its signed-in user first. */
export const unbegunParameter = "unbegun";

/** The same for what began at the platform, whose name is added. */
export function withClaim(page: string, code: string, platform: string): string {
  const url = new URL(withCompletionCode(page, code));
  url.search += `&${unbegunParameter}=${platform}`;
  return url.href;
}
