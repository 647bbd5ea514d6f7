import type { Secret } from "../secret.ts";
import { isNetwork } from "../settings/addresses.ts";
import type { Reader } from "./settings.ts";

/** How calls to platforms leave the network. */
export interface ProxyConfig {
  /** An http(s) URL; may carry a password. Undefined: calls go out directly. */
  readonly httpsProxy: Secret | undefined;
  /** Hosts called directly, comma separated: names, addresses, and networks (CIDRs) of addresses. */
  readonly noProxy: string | undefined;
}

export function readProxy(reader: Reader): ProxyConfig {
  const httpsProxy = reader.secret("HTTPS_PROXY");
  const url = httpsProxy?.reveal();
  if (url !== undefined && !(/^https?:\/\//i.test(url) && URL.canParse(url))) {
    reader.problem("HTTPS_PROXY", "this is not an http:// or https:// address", "set one such as http://proxy:3128");
  }
  const noProxy = reader.text("NO_PROXY");
  for (const entry of noProxy?.split(/[,\s]+/) ?? []) {
    if (entry.includes("/") && !isNetwork(entry)) reader.warn(`NO_PROXY: ${entry} is not a network, and is ignored`);
  }
  return { httpsProxy, noProxy };
}
