import { bearer } from "./calls/proof.ts";
import { isReadOnce } from "./read-once.ts";
import { isLoopback } from "./settings.ts";
import type { Selector, Token, TokenClient, TokenFetch } from "./token-client.ts";

/** A `fetch` with the token of `selector`, for its `apiBaseUrl` alone. */
export function createTokenFetch(
  client: Pick<TokenClient, "getToken" | "reject" | "withToken">,
  selector: Selector,
): TokenFetch {
  const asked = { ...selector };
  return async (input, init = {}) => {
    const given = init.signal ?? (input instanceof Request ? input.signal : undefined);
    const options = given ? { signal: given } : {};
    let unsent = input;
    const send = (token: Token) => {
      const sent = unsent;
      // A body can be read once.
      if (sent instanceof Request && sent.body !== null) unsent = sent.clone();
      return globalThis.fetch(...withAuthorization(sent, init, token));
    };
    if (!isReadOnce(init.body)) return client.withToken(asked, send, options);

    const token = await client.getToken(asked, options);
    const response = await send(token);
    if (response.status === 401) client.reject(token);
    return response;
  };
}

type Sent = readonly [URL | Request, RequestInit];

function withAuthorization(input: string | URL | Request, init: RequestInit, token: Token): Sent {
  const url = target(input instanceof Request ? input.url : String(input), token.apiBaseUrl);
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set("authorization", bearer(token.accessToken, "the token"));
  return [input instanceof Request ? input : url, { ...init, headers }];
}

/** @throws TypeError for an address that the token is not for: whoever is there could use it. */
function target(address: string, apiBaseUrl: string): URL {
  if (apiBaseUrl === "") return new URL(address);
  if (/^\/(?!\/)/.test(address)) return new URL(apiBaseUrl.replace(/\/+$/, "") + address);
  const [url, base] = [new URL(address), new URL(apiBaseUrl)];
  const isThere = url.origin === base.origin;
  const isBelow =
    url.hostname.endsWith(`.${base.hostname}`) && url.protocol === base.protocol && url.port === base.port;
  const staysHere = isLoopback(url.hostname) && isLoopback(base.hostname);
  if (isThere || isBelow || staysHere) return url;
  throw new TypeError(`the token is for ${base.origin}, and is not sent to ${url.origin}`);
}
