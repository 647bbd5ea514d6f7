const route = "/oauth/install/";

/** A link to connect, as an address, and what it says of where the service is, without a slash at its end. */
export interface ConnectLink {
  readonly address: URL;
  readonly service: string;
}

/** Reads a link as the page would. @throws TypeError if it leads to no install. */
export function readLink(link: string | URL): ConnectLink {
  const address = new URL(link, location.href);
  const at = address.pathname.lastIndexOf(route);
  // A script in an address would run as this page.
  if (!/^https?:$/.test(address.protocol) || at === -1) throw new TypeError(`link has to lead to ${route}`);
  return { address, service: address.origin + address.pathname.slice(0, at) };
}
