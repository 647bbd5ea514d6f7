import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** The address a request comes from; undefined once its connection is gone. */
export type ClientAddress = (request: Pick<IncomingMessage, "headers" | "socket">) => string | undefined;

/** The one rule of every door: of the connection's address and `X-Forwarded-For`, whose hops commas part. */
export type ForwardedAddress = (peer: string | undefined, forwardedFor: () => string) => string | undefined;

/**
 * Believes `X-Forwarded-For` where the peer is in one of the networks (CIDRs, or single addresses): the address is the
 * right-most hop that is in none of them. What stands left of a hop that is no address is not read. Every address is in
 * one spelling. For records and rates, never a proof of who asks.
 */
export function createForwardedAddress(trustedProxies: readonly string[]): ForwardedAddress {
  const trusted = blockList(trustedProxies);
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

  return (connected, forwardedFor) => {
    const peer = normalAddress(connected ?? "");
    if (peer === undefined || trustedProxies.length === 0 || !isTrusted(peer)) return peer;
    let nearest = peer;
    for (const hop of forwardedFor().split(",").reverse()) {
      const address = normalAddress(withoutPort(hop.trim()));
      if (address === undefined) return nearest;
      if (!isTrusted(address)) return address;
      nearest = address;
    }
    return nearest;
  };
}

/** The same for requests over HTTP/1.1. Node joins headers of the same name with commas. */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const addressOf = createForwardedAddress(trustedProxies);
  return ({ socket, headers }) =>
    addressOf(socket.remoteAddress, () => [headers["x-forwarded-for"] ?? []].flat().join(","));
}

/** `1.2.3.4:5678`, `[::1]` and `[::1]:5678` without what is not the address. */
function withoutPort(hop: string): string {
  const [, inBrackets, v4] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(hop) ?? [];
  return inBrackets ?? v4 ?? hop;
}

/** IPv4 dotted, also where IPv6 carries it; IPv6 as URLs spell it. A zone means nothing elsewhere, and is no address. */
function normalAddress(text: string): string | undefined {
  const version = isIP(text);
  if (version !== 6) return version === 4 ? text : undefined;
  if (!URL.canParse(`http://[${text}]`)) return undefined;
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(address);
  if (mapped === null) return address;
  const [high, low] = mapped.slice(1).map((group) => Number.parseInt(group, 16));
  return [high ?? 0, low ?? 0].flatMap((group) => [group >> 8, group & 0xff]).join(".");
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", length] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  return list;
}
