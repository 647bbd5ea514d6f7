import { isLoopback, readHost, readNetworks } from "../settings/addresses.ts";
import { readChoice, readChoiceOr, readPort } from "../settings/scalars.ts";
import { readBaseUrl, readOrigins } from "../settings/urls.ts";
import type { TlsFiles } from "../tls/certificates.ts";
import type { Reader } from "./settings.ts";
import { readTls } from "./tls.ts";

/** What is bound; port 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface PublicListener extends ListenAddress {
  /** Where browsers and platforms reach it. May have a path. */
  readonly baseUrl: URL;
  /** `open`: anyone may start an install; `link`: only with a link. */
  readonly installMode: "open" | "link";
  /** Where `return_to` may lead. */
  readonly allowedReturnOrigins: readonly string[];
}

export interface Listeners {
  readonly public: PublicListener;
  readonly grpc: ListenAddress;
  readonly internal: ListenAddress;
  /** The product's own page for connecting; undefined: none. */
  readonly installPageUrl: URL | undefined;
  /** The certificates of the gRPC and internal listeners; undefined: they speak without TLS. */
  readonly tls: TlsFiles | undefined;
  /** Whether a proxy or mesh in front of them speaks TLS. */
  readonly tlsTerminated: boolean;
  /** Networks whose `X-Forwarded-For` is believed, as CIDRs. */
  readonly trustedProxies: readonly string[];
}

export function readListeners(reader: Reader): Listeners {
  const ports = {
    PORT: readPort(reader, "PORT"),
    GRPC_PORT: readPort(reader, "GRPC_PORT"),
    INTERNAL_PORT: readPort(reader, "INTERNAL_PORT"),
  };
  refuseSharedPorts(reader, ports);
  const baseUrl = readBaseUrl(reader, "BASE_URL", `http://localhost:${ports.PORT}`);
  const local = isLoopback(baseUrl.hostname);
  const tls = readTls(reader);
  const tlsTerminated = readChoice(reader, "TLS_TERMINATED_BY_PROXY", ["0", "1"]) === "1";
  const internalHost = readInternalHost(reader, tls !== undefined || tlsTerminated);
  const installMode = readChoiceOr(reader, "INSTALL_MODE", ["open", "link"], local ? "open" : "link");
  if (installMode === "open" && !local) warnOfOpenInstalls(reader, baseUrl);
  return {
    public: {
      host: readHost(reader, "HOST", local ? "127.0.0.1" : "0.0.0.0"),
      port: ports.PORT,
      baseUrl,
      installMode,
      allowedReturnOrigins: readOrigins(reader, "ALLOWED_RETURN_ORIGINS", baseUrl.origin),
    },
    grpc: { host: internalHost, port: ports.GRPC_PORT },
    internal: { host: internalHost, port: ports.INTERNAL_PORT },
    installPageUrl: readInstallPage(reader),
    tls,
    tlsTerminated,
    trustedProxies: readNetworks(reader, "TRUSTED_PROXIES"),
  };
}

function warnOfOpenInstalls(reader: Reader, { host }: URL): void {
  reader.warn(
    `INSTALL_MODE=open: whoever reaches ${host} can connect what is theirs for any owner they name; ` +
      "set INSTALL_MODE=link, and let the product make links with CreateInstallLink",
  );
}

/** Secrets are asked for here: who is elsewhere has to prove who it is, on a line that nobody listens to. */
function readInternalHost(reader: Reader, encrypted: boolean): string {
  const host = readHost(reader, "INTERNAL_HOST", reader.defaultOf("INTERNAL_HOST"));
  if (isLoopback(host)) return host;
  const refuse = (wrong: string, fix: string) =>
    reader.problem(
      "INTERNAL_HOST",
      `${host} can be reached from outside, ${wrong}`,
      `${fix}, or INTERNAL_HOST=127.0.0.1`,
    );
  if (reader.text("AUTH_CONFIG") === undefined) {
    refuse("and no caller has to prove who it is", "set AUTH_CONFIG to a caller file");
  }
  if (!encrypted) {
    const fix = "set TLS_CERT_FILE and TLS_KEY_FILE, or TLS_TERMINATED_BY_PROXY=1 where a mesh or proxy encrypts";
    refuse("and what is said there is not encrypted", fix);
  }
  return host;
}

function readInstallPage(reader: Reader): URL | undefined {
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

function refuseSharedPorts(reader: Reader, ports: Readonly<Record<string, number>>): void {
  const names = new Map<number, string>();
  for (const [name, port] of Object.entries(ports)) {
    const other = names.get(port);
    if (other !== undefined && port !== 0) reader.problem(name, `${port} is also ${other}`, "set a port of its own");
    names.set(port, name);
  }
}
