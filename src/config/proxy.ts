import type { Secret } from "../secret.ts";
import type { SettingReader } from "./setting-reader.ts";

/** How calls to platforms leave the network. */
export interface ProxyConfig {
  /** An http(s) URL; may carry a password. Undefined: calls go out directly. */
  readonly httpsProxy: Secret | undefined;
  /** Hosts called directly, comma separated, as undici's EnvHttpProxyAgent reads them. */
  readonly noProxy: string | undefined;
}

export function readProxy(reader: SettingReader): ProxyConfig {
  const httpsProxy = reader.secret("HTTPS_PROXY");
  const url = httpsProxy?.reveal();
  if (url !== undefined && !(/^https?:\/\//i.test(url) && URL.canParse(url))) {
    reader.problem("HTTPS_PROXY", "this is not an http:// or https:// address", "set one such as http://proxy:3128");
  }
  return { httpsProxy, noProxy: reader.text("NO_PROXY") };
}
