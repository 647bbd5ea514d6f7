import { lookup } from "node:dns/promises";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { Agent, EnvHttpProxyAgent, fetch as undiciFetch } from "undici";
import { cappedBody } from "./capped-body.ts";
import { createNoProxyNetworks } from "./no-proxy.ts";
import {
  AddressRefused,
  createOutgoingRule,
  isLoopbackName,
  nameOf,
  type OutgoingRule,
  type Resolve,
} from "./outgoing-rule.ts";

export interface ProxySettings {
  readonly httpsProxy: string | undefined;
  readonly noProxy: string | undefined;
}

export interface PlatformFetchOptions extends ProxySettings {
  /** Whether a setting names this host, other than the one it names by default. */
  readonly isOwnHost: (host: string) => boolean;
  /** The system's resolver by default. */
  readonly resolve?: Resolve;
}

/** The ways out of the process. */
export interface PlatformFetch {
  /** To addresses from the settings. */
  readonly fetch: typeof globalThis.fetch;
  /** To addresses that an operator's file names while the service runs: each of their hosts is an own one. */
  readonly fetchNamed: typeof globalThis.fetch;
  close(): Promise<void>;
}

const connectTimeoutMs = 3_000;
const deadlineMs = 10_000;
/** Platforms may repeat much that nobody asked for; what is kept of it is for the caller to limit. */
const maxBodyBytes = { settings: 16 * 1024 * 1024, named: 1024 * 1024 };

/**
 * Calls https, or http on loopback, at addresses that the rule of `createOutgoingRule` allows; what was checked is what
 * is connected to. Follows no redirect, connects within 3 s, takes 10 s in all unless the call brings a signal, and
 * reads at most 16 MiB (1 MiB from an address that a file names). Goes through `HTTPS_PROXY` unless `NO_PROXY` names the host: the proxy then resolves the name,
 * and only what the address itself spells can be checked here.
 */
export function createPlatformFetch(options: PlatformFetchOptions): PlatformFetch {
  const resolve = options.resolve ?? ((host) => lookup(host, { all: true }));
  // Connections are kept: one that the wider rule allowed must not serve the narrower one.
  const settings = createWay(createOutgoingRule(options.isOwnHost, resolve), options, maxBodyBytes.settings);
  const named = createWay(
    createOutgoingRule(() => true, resolve),
    options,
    maxBodyBytes.named,
  );
  return {
    fetch: settings.fetch,
    fetchNamed: named.fetch,
    close: async () => void (await Promise.all([settings.close(), named.close()])),
  };
}

function createWay(rule: OutgoingRule, proxy: ProxySettings, maxBytes: number) {
  // Only connections without the proxy: the proxy's own address is the operator's.
  const connect = { timeout: connectTimeoutMs, lookup: rule.lookup };
  const direct = new Agent({ connect });
  const isDirect = createNoProxyNetworks(proxy.noProxy ?? "");
  const byName = new EnvHttpProxyAgent({
    connect,
    connectTimeout: connectTimeoutMs,
    // Empty strings: the agent must not read the process environment by itself.
    httpProxy: "",
    httpsProxy: proxy.httpsProxy ?? "",
    noProxy: proxy.noProxy ?? "",
    ...identityOf(proxy.httpsProxy),
  });
  async function fetch(input: string | URL, init: RequestInit = {}): Promise<Response> {
    const url = new URL(input);
    checkUrl(url, rule);
    const response = await undiciFetch(url, {
      ...(init as object),
      redirect: init.redirect === "manual" ? "manual" : "error",
      signal: init.signal ?? AbortSignal.timeout(deadlineMs),
      dispatcher: isDirect(url.hostname) ? direct : byName,
    });
    // The package and Node's own types describe the same standard interface in two versions.
    return cappedBody(response as unknown as Response, maxBytes);
  }
  return {
    fetch: fetch as typeof globalThis.fetch,
    close: async () => void (await Promise.all([direct.close(), byName.close()])),
  };
}

/** undici leaves the brackets around an IPv6 address when it looks for that in the proxy's certificate. */
function identityOf(httpsProxy: string | undefined) {
  if (httpsProxy === undefined) return {};
  const name = nameOf(new URL(httpsProxy).hostname);
  const check = (_name: string, certificate: PeerCertificate) => checkServerIdentity(name, certificate);
  return { proxyTls: { checkServerIdentity: check } };
}

function checkUrl(url: URL, rule: OutgoingRule): void {
  if (url.username !== "" || url.password !== "") throw new AddressRefused("an address with a user is not called");
  const isPlain = url.protocol === "http:" && isLoopbackName(nameOf(url.hostname));
  if (url.protocol !== "https:" && !isPlain) throw new AddressRefused("https, or http on loopback, is called");
  rule.checkHost(url.hostname);
}
