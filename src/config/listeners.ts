import { isLoopback, readHost, readNetworks } from "./addresses.ts";
import { readChoice, readPort } from "./scalars.ts";
import type { SettingReader } from "./setting-reader.ts";
import { readBaseUrl, readOrigins } from "./urls.ts";

/** What is bound; port 0 lets the system choose. */
export interface Listener {
  readonly host: string;
  readonly port: number;
}

export interface PublicListener extends Listener {
  /** Where browsers and platforms reach it. May have a path. */
  readonly baseUrl: URL;
  /** `open`: anyone may start an install; `link`: only with a link. */
  readonly installMode: "open" | "link";
  /** Where `return_to` may lead. */
  readonly allowedReturnOrigins: readonly string[];
}

export interface Listeners {
  readonly public: PublicListener;
  readonly grpc: Listener;
  readonly internal: Listener;
  /** The product's own page for connecting; undefined: none. */
  readonly installPageUrl: URL | undefined;
  /** Networks whose `X-Forwarded-For` is believed, as CIDRs. */
  readonly trustedProxies: readonly string[];
}

export function readListeners(reader: SettingReader): Listeners {
  const ports = {
    PORT: readPort(reader, "PORT", 8010),
    GRPC_PORT: readPort(reader, "GRPC_PORT", 50_051),
    INTERNAL_PORT: readPort(reader, "INTERNAL_PORT", 8011),
  };
  refuseSharedPorts(reader, ports);
  const baseUrl = readBaseUrl(reader, "BASE_URL", `http://localhost:${ports.PORT}`);
  const local = isLoopback(baseUrl.hostname);
  const internalHost = readInternalHost(reader);
  return {
    public: {
      host: readHost(reader, "HOST", local ? "127.0.0.1" : "0.0.0.0"),
      port: ports.PORT,
      baseUrl,
      installMode: readChoice(reader, "INSTALL_MODE", ["open", "link"], local ? "open" : "link"),
      allowedReturnOrigins: readOrigins(reader, "ALLOWED_RETURN_ORIGINS", baseUrl.origin),
    },
    grpc: { host: internalHost, port: ports.GRPC_PORT },
    internal: { host: internalHost, port: ports.INTERNAL_PORT },
    installPageUrl: readInstallPage(reader),
    trustedProxies: readNetworks(reader, "TRUSTED_PROXIES"),
  };
}

/** Whoever reaches these listeners gets tokens, so nothing but this machine may, until callers can be told apart. */
function readInternalHost(reader: SettingReader): string {
  const host = readHost(reader, "INTERNAL_HOST", "127.0.0.1");
  if (!isLoopback(host)) {
    reader.problem(
      "INTERNAL_HOST",
      `${host} can be reached from outside, and this version cannot authenticate callers yet (AUTH_CONFIG)`,
      "set INTERNAL_HOST=127.0.0.1 and let callers share this host or its network namespace",
    );
  }
  return host;
}

function readInstallPage(reader: SettingReader): URL | undefined {
  const text = reader.text("INSTALL_PAGE_URL");
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const safe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (url !== undefined && safe && url.username === "" && url.password === "") return url;
  reader.problem(
    "INSTALL_PAGE_URL",
    "this is not an https:// address without a user",
    "set the page people connect on",
  );
  return undefined;
}

function refuseSharedPorts(reader: SettingReader, ports: Readonly<Record<string, number>>): void {
  const names = new Map<number, string>();
  for (const [name, port] of Object.entries(ports)) {
    const other = names.get(port);
    if (other !== undefined && port !== 0) reader.problem(name, `${port} is also ${other}`, "set a port of its own");
    names.set(port, name);
  }
}
