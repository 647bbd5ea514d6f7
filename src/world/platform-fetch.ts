import { EnvHttpProxyAgent, fetch as undiciFetch } from "undici";

export interface ProxySettings {
  readonly httpsProxy: string | undefined;
  readonly noProxy: string | undefined;
}

/** Fetch for calls to platforms: connects within 3 s, through `HTTPS_PROXY` unless `NO_PROXY` names the host. */
export function createPlatformFetch(proxy: ProxySettings): { fetch: typeof globalThis.fetch; close(): Promise<void> } {
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: 3_000 },
    // Empty strings: the agent must not read the process environment by itself.
    httpProxy: "",
    httpsProxy: proxy.httpsProxy ?? "",
    noProxy: proxy.noProxy ?? "",
  });
  // The package and Node's own types describe the same standard interface in two versions.
  const fetch = (input: string, init: object) => undiciFetch(input, { ...init, dispatcher });
  return { fetch: fetch as unknown as typeof globalThis.fetch, close: () => dispatcher.close() };
}
