import { isReadOnce } from "./read-once.ts";
import type { Selector, Token, TokenClient } from "./token-client.ts";

/** What an Octokit is given as `auth`. */
export interface TokenAuthOptions {
  readonly client: Pick<TokenClient, "getToken" | "reject" | "withToken">;
  /** Of `github` unless it says otherwise. */
  readonly selector?: Selector;
}

/** As `octokit.auth()` gives it. */
export interface TokenAuthentication {
  readonly type: "token";
  readonly token: string;
  readonly tokenType: "installation" | "oauth";
  /** ISO 8601. */
  readonly expiresAt?: string;
}

export interface TokenAuth {
  (): Promise<TokenAuthentication>;
  /** Octokit calls it around every request. */
  hook(request: Request, route: unknown, parameters?: object): Promise<unknown>;
}

/** Octokit's `request`, as far as it is used. */
interface Request {
  (endpoint: object): Promise<unknown>;
  readonly endpoint: { merge(route: never, parameters?: object): Endpoint };
}

interface Endpoint {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly baseUrl: string;
  readonly url: string;
  readonly body?: unknown;
  readonly data?: unknown;
}

/** Octokit's, unless it was told another. */
const publicApi = "https://api.github.com";

/**
 * An auth strategy: `new Octokit({ authStrategy: createTokenAuth, auth: { client, selector } })`. Requests go to the
 * token's own API unless Octokit has a `baseUrl`; a 401 is tried once more with a new token.
 */
export function createTokenAuth({ client, selector }: TokenAuthOptions): TokenAuth {
  const asked: Selector = { platform: "github", ...selector };

  async function auth(): Promise<TokenAuthentication> {
    const { accessToken, expireTime } = await client.getToken(asked);
    const tokenType = accessToken.startsWith("ghs_") ? "installation" : "oauth";
    const expiresAt = expireTime === undefined ? {} : { expiresAt: expireTime.toISOString() };
    return { type: "token", token: accessToken, tokenType, ...expiresAt };
  }

  async function hook(request: Request, route: unknown, parameters?: object): Promise<unknown> {
    const endpoint = request.endpoint.merge(route as never, parameters);
    const send = (token: Token) => request(withToken(endpoint, token));
    if (!isReadOnce(endpoint.data) && !isReadOnce(endpoint.body)) return client.withToken(asked, send);
    const token = await client.getToken(asked);
    return send(token).catch((error: unknown) => {
      if ((error as { readonly status?: unknown } | null)?.status === 401) client.reject(token);
      throw error;
    });
  }

  return Object.assign(auth, { hook });
}

function withToken(endpoint: Endpoint, { accessToken, apiBaseUrl }: Token): Endpoint {
  const headers = { ...endpoint.headers, authorization: `token ${accessToken}` };
  if (endpoint.baseUrl !== publicApi || apiBaseUrl === "") return { ...endpoint, headers };
  // Enterprise Server has GraphQL beside its REST API, not below it.
  const isGraphql = endpoint.url === "/graphql" && apiBaseUrl.endsWith("/api/v3");
  const url = isGraphql ? apiBaseUrl.replace(/v3$/, "graphql") : endpoint.url;
  return { ...endpoint, headers, baseUrl: apiBaseUrl, url };
}
