import { usage } from "../failure.ts";

/**
 * The public address of a service, without a slash at its end. Plain http is for this machine alone: what is sent there
 * are secrets.
 */
export function parseServiceUrl(text: string): string {
  const url = parse(text);
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw usage(`"${text}" is not the address of a service: it looks like https://tokens.example.com`);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw usage("the address of a service has no user, query or fragment");
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw usage(`${url.origin} is not encrypted: beyond this machine the service needs https`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** Whether a URL's hostname can only be this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
