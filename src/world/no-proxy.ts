import { BlockList, isIP } from "node:net";
import { nameOf } from "./outgoing-rule.ts";

/**
 * Whether a host is an address in one of the networks (CIDRs) of `NO_PROXY`. Names in it are not looked at here: undici
 * knows those. A host that is a name is in no network.
 */
export function createNoProxyNetworks(noProxy: string): (host: string) => boolean {
  const networks = new BlockList();
  for (const entry of noProxy.split(/[,\s]+/)) {
    const [address = "", length = "", ...rest] = entry.split("/");
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    if (family === 0 || !/^\d{1,3}$/.test(length) || Number(length) > most || rest.length > 0) continue;
    networks.addSubnet(address, Number(length), family === 6 ? "ipv6" : "ipv4");
  }
  return (host) => {
    const name = nameOf(host);
    return isIP(name) !== 0 && networks.check(name, isIP(name) === 6 ? "ipv6" : "ipv4");
  };
}
