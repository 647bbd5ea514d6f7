import type { CallOptions, Seconds } from "./call-options.ts";
import type { InstallationsClient } from "./installation.ts";

/** Names an installation as `GetToken` does: by its id, or by its platform and whatever else makes it the only one. */
export interface Selector {
  /** Such as `github`, `github-oauth`, `jira`, `confluence`, `slack`, `sentry`. */
  readonly platform?: string;
  readonly installationId?: string;
  /** The platform's id of the organization. */
  readonly externalOrgId?: string;
  /** The platform's id of the installation. */
  readonly externalInstallId?: string;
  /** The tenant or user it belongs to, in your own naming. */
  readonly owner?: string;
  /** On whose behalf the token acts; the platform's natural one if unset. */
  readonly actor?: Actor;
  /** The person, where several of one organization connected. */
  readonly externalUserId?: string;
  /** The token lives at least this long: seconds, or as protobuf writes them (`"300s"`). 60 s if unset. */
  readonly minTtl?: Seconds;
  /** The `tokenId` of a token that the platform refused; `reject` and `withToken` do this for you. */
  readonly rejectedTokenId?: string;
  /** Narrows a GitHub token. */
  readonly github?: Narrowing;
  readonly repositoryIds?: readonly (number | bigint)[];
  readonly repositories?: readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
}

export type Actor = "ACTOR_UNSPECIFIED" | "ACTOR_APP" | "ACTOR_USER";

export interface Narrowing {
  readonly repositoryIds?: readonly (number | bigint)[];
  readonly repositories?: readonly string[];
  /** Permission to level: `{ contents: "read" }`. */
  readonly permissions?: Readonly<Record<string, string>>;
}

/** A token and what is known of it. It is yours: to change it changes nothing else. Inspecting it does not show the secret. */
export interface Token {
  accessToken: string;
  /** How it is presented in an Authorization header: `Bearer`. */
  tokenType: string;
  /** By the service's clock. Undefined if the platform names no end. */
  expireTime?: Date;
  scopes: string[];
  permissions: Record<string, string>;
  installationId: string;
  externalOrgId: string;
  /** Names the token without revealing it. Empty for one from the environment. */
  tokenId: string;
  /** Where it is to be used. Empty if that is not known. */
  apiBaseUrl: string;
  /** `environment`: a static one, since the service had none to give. */
  source: "service" | "environment";
}

/** A client of OAuth Token Service. Refusals are `TokenServiceError`s; no method throws but by rejecting. */
export interface TokenClient extends InstallationsClient {
  /** A token that works, from memory until shortly before its end. Those who ask for the same at once share one call. */
  getToken(selector: Selector, options?: CallOptions): Promise<Token>;
  /** Says that the platform answered this token with 401: the next `getToken` gets another. */
  reject(token: Pick<Token, "tokenId">): void;
  /** Calls `use` with a token, and once more with a new one when it throws or returns a 401. */
  withToken<Result>(
    selector: Selector,
    use: (token: Token) => Result | Promise<Result>,
    options?: CallOptions,
  ): Promise<Result>;
  /**
   * A `fetch` that presents the token: to its `apiBaseUrl` (what begins with `/` is below that), and nowhere else. After a
   * 401 it tries once more with a new token, unless the body was a stream.
   */
  fetch(selector: Selector): TokenFetch;
  /** Ends what is under way and lets go of every connection. */
  close(): void;
}

export type TokenFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Of pino's methods the ones that are used. */
export interface Log {
  warn(fields: object, message: string): void;
}

export interface ClientOptions {
  /**
   * `host:50051` for gRPC (Node only), `http://host:8011` or `https://…` for Connect. Unset: `OAUTH_TOKEN_SERVICE_ADDRESS`.
   */
  readonly address?: string;
  /** Unset: the API key of `OAUTH_TOKEN_SERVICE_API_KEY`, or none. */
  readonly credentials?: Credentials;
  /** Unset: plain text on loopback and TLS elsewhere. `ca`: who signed the service's certificate, in PEM (Node only). */
  readonly tls?: { readonly ca?: string | Uint8Array } | false;
  /** What a call may take in all, retries included. */
  readonly timeoutMs?: number;
  /** Whether a static token of the environment is handed out where the service has none. On if unset. */
  readonly fallback?: boolean;
  /** Where warnings go; the console if unset. */
  readonly log?: Log;
  /** Milliseconds of the clock by which tokens age. Unset: one that nobody sets back. */
  readonly now?: () => number;
}

export type Credentials =
  | { readonly apiKey: string }
  /** Asked before every call, since such tokens are renewed. */
  | { readonly bearer: () => Promise<string> }
  /** PEM (Node only). */
  | { readonly certificate: string | Uint8Array; readonly key: string | Uint8Array };
