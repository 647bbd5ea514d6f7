import { usage } from "./failure.ts";
import type { CliWorld } from "./world.ts";

/**
 * fetch through the proxy that the environment names, as curl reads it: `https_proxy` or `all_proxy`, not for the hosts of
 * `no_proxy`. Plain http stays on this machine, and never goes to a proxy. Node's own fetch knows nothing of proxies.
 * Rejects with a Failure if the proxy's address is none.
 */
export function environmentFetch(env: CliWorld["env"]): typeof globalThis.fetch {
  const given = env.https_proxy || env.HTTPS_PROXY || env.all_proxy || env.ALL_PROXY;
  if (given === undefined || given === "") return globalThis.fetch;
  const noProxy = [env.no_proxy || env.NO_PROXY, "localhost", "127.0.0.1", "::1"].filter(Boolean).join(",");
  let through: Promise<typeof globalThis.fetch> | undefined;
  return async (input, init) => {
    const { protocol } = new URL(input instanceof Request ? input.url : input);
    if (protocol !== "https:") return globalThis.fetch(input, init);
    through ??= fetchThrough({ httpsProxy: proxyAddress(given), noProxy });
    return (await through)(input, init);
  };
}

/** Without a scheme it is plain http, as for curl. */
function proxyAddress(given: string): string {
  const address = /^[a-z0-9+.-]+:\/\//i.test(given) ? given : `http://${given}`;
  if (URL.canParse(address) && /^https?:/i.test(address)) return address;
  throw usage(`"${given}" is no proxy that can be used: one looks like http://proxy:3128`);
}

async function fetchThrough(options: { readonly httpsProxy: string; readonly noProxy: string }) {
  const { EnvHttpProxyAgent, fetch } = await import("undici");
  // An agent of its own version: that of Node may not understand it.
  const dispatcher = new EnvHttpProxyAgent(options);
  // The same functions, as two packages declare them.
  return ((input, init) =>
    fetch(
      input as Parameters<typeof fetch>[0],
      { ...init, dispatcher } as Parameters<typeof fetch>[1],
    )) as typeof globalThis.fetch;
}
