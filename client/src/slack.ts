import { bearer } from "./calls/proof.ts";
import type { Selector, Token, TokenClient, TokenFetch } from "./token-client.ts";
import { TokenServiceError } from "./token-service-error.ts";
import { isSlackRefusal } from "./with-token.ts";

export interface SlackFetchOptions {
  readonly client: Pick<TokenClient, "withToken">;
  /** Of `slack` unless it says otherwise. */
  readonly selector?: Selector;
}

/** Where `@slack/web-api` sends what it sends, unless it was told otherwise. */
const publicApi = "https://slack.com/api/";

/**
 * What `@slack/web-api` takes: `new WebClient(undefined, { fetch: createSlackFetch({ client, selector }) })`. Requests go to
 * the token's own API; one that Slack refuses is tried once more with a new token. What the service refuses for good
 * comes as Slack's refusals do (`error.data.error` is the reason), since the SDK would try it again for half an hour.
 */
export function createSlackFetch({ client, selector }: SlackFetchOptions): TokenFetch {
  const asked: Selector = { platform: "slack", ...selector };
  return async (input, init = {}) => {
    try {
      const { response } = await client.withToken(asked, async (token) => {
        const response = await send(input, init, token);
        return { response, status: (await isRefused(response)) ? 401 : response.status };
      });
      return response;
    } catch (error) {
      if (error instanceof TokenServiceError && isForGood(error)) return refusal(error);
      throw error;
    }
  };
}

/** Files go to addresses that prove themselves: the token is for the API. */
function send(input: string | URL | Request, init: RequestInit, token: Token): Promise<Response> {
  const api = token.apiBaseUrl === "" ? publicApi : `${token.apiBaseUrl.replace(/\/+$/, "")}/`;
  const given = input instanceof Request ? input.url : String(input);
  const address = given.startsWith(publicApi) ? api + given.slice(publicApi.length) : given;
  if (!address.startsWith(api)) return globalThis.fetch(input, init);
  const headers = new Headers(init.headers);
  headers.set("authorization", bearer(token.accessToken, "the token"));
  return globalThis.fetch(address, { ...init, headers });
}

async function isRefused(response: Response): Promise<boolean> {
  if (!/\bjson\b/.test(response.headers.get("content-type") ?? "")) return false;
  return response
    .clone()
    .json()
    .then(isSlackRefusal, () => false);
}

/** Waiting helps nobody. */
function isForGood({ retryAfterMs, reason }: TokenServiceError): boolean {
  return retryAfterMs === undefined && reason !== "SERVICE_UNREACHABLE";
}

function refusal({ reason, message, metadata }: TokenServiceError): Response {
  return Response.json({ ok: false, error: reason, detail: message, ...metadata });
}
