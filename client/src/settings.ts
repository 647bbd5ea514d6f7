import type { ClientOptions, Credentials, Log } from "./token-client.ts";

/** What a client was told, read once. */
export interface Settings {
  readonly address: Address;
  readonly credentials: Credentials | undefined;
  readonly ca: string | Uint8Array | undefined;
  readonly timeoutMs: number;
  readonly fallback: boolean;
  readonly log: Log;
  readonly now: (() => number) | undefined;
}

export interface Address {
  readonly kind: "grpc" | "connect";
  /** `host:port`, or a URL without a slash at its end. */
  readonly target: string;
  readonly isEncrypted: boolean;
  readonly isLoopback: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const defaultTimeoutMs = 10_000;

/** The process's environment, where there is a process. */
export function environment(): Environment {
  const { process } = globalThis as { readonly process?: { readonly env?: Environment } };
  return process?.env ?? {};
}

/** @throws TypeError that says what to set. */
export function readSettings(options: ClientOptions, env: Environment): Settings {
  const credentials = options.credentials ?? keyOf(env);
  const address = readAddress(options.address ?? (env.OAUTH_TOKEN_SERVICE_ADDRESS || undefined), options.tls);
  if (credentials !== undefined && !address.isEncrypted) {
    if ("certificate" in credentials) throw new TypeError("a certificate proves who calls over TLS alone");
    if (!address.isLoopback) {
      throw new TypeError(
        `credentials are not sent to ${address.target} in plain text: use TLS, or a loopback address`,
      );
    }
  }
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  if (!(timeoutMs > 0)) throw new TypeError("timeoutMs is more than 0");
  return {
    address,
    credentials,
    ca: options.tls === false ? undefined : options.tls?.ca,
    timeoutMs,
    fallback: options.fallback ?? true,
    log: options.log ?? { warn: (fields, message) => console.warn(`oauth-token-client: ${message}`, fields) },
    now: options.now,
  };
}

function keyOf(env: Environment): Credentials | undefined {
  const apiKey = env.OAUTH_TOKEN_SERVICE_API_KEY?.trim();
  return apiKey ? { apiKey } : undefined;
}

function readAddress(given: string | undefined, tls: ClientOptions["tls"]): Address {
  if (given === undefined) throw new TypeError("set address, or OAUTH_TOKEN_SERVICE_ADDRESS");
  return /^https?:\/\//i.test(given) ? readUrl(given, tls) : readTarget(given, tls);
}

function readUrl(given: string, tls: ClientOptions["tls"]): Address {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  // Who has credentials in the address would have them in logs.
  if (url === undefined || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError("address is a URL such as http://localhost:8011, without a user, query or fragment");
  }
  const isEncrypted = url.protocol === "https:";
  if (tls === false && isEncrypted) throw new TypeError("address says https, and tls says plain text");
  if (tls && !isEncrypted) throw new TypeError("address says http, and tls says TLS");
  const target = url.href.replace(/\/+$/, "");
  return { kind: "connect", target, isEncrypted, isLoopback: isLoopback(url.hostname) };
}

function readTarget(given: string, tls: ClientOptions["tls"]): Address {
  const host = /^(\[[\da-f:.]+\]|[^\s:/@[\]]+):\d{1,5}$/i.exec(given)?.[1];
  if (host === undefined) throw new TypeError("address is host:port for gRPC, or a URL that begins with http");
  return {
    kind: "grpc",
    target: given,
    isEncrypted: tls === undefined ? !isLoopback(host) : tls !== false,
    isLoopback: isLoopback(host),
  };
}

/** Whether what is sent there stays on this machine, by the name alone. */
export function isLoopback(host: string): boolean {
  return /^(localhost|.+\.localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/i.test(host);
}
