import { isLoopback } from "../service/service-url.ts";
import type { CredentialRequest } from "./credential-request.ts";

/** The hosts that a token for an API is for, as git names them: with the port where it is not the usual one. */
export function gitHostsOf(apiBaseUrl: string): readonly string[] {
  const url = parse(apiBaseUrl);
  if (url === undefined) return [];
  // github.com and GHE.com have their API at a name of its own; Enterprise Server has it below the one for git.
  const host = /^api\.(github\.com|[a-z0-9-]+\.ghe\.com)$/.exec(url.host)?.[1];
  return host === undefined ? [url.host] : [host, `gist.${host}`];
}

/** Whether a password that is asked for goes encrypted, or stays on this machine. */
export function isPrivate({ protocol, host }: CredentialRequest): boolean {
  const url = parse(`${protocol}://${host}`);
  if (url === undefined || url.host !== host.toLowerCase().replace(/:(443|80)$/, "")) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
