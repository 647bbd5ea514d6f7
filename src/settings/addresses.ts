import { BlockList, isIP } from "node:net";
import type { PlainName, Setting } from "./setting.ts";
import type { SettingReader } from "./setting-reader.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether a host name or address (an IPv6 one with or without brackets) means this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const version = isIP(name);
  return version !== 0 && loopback.check(name, version === 6 ? "ipv6" : "ipv4");
}

/** What a listener binds to: a host name or address, without brackets. */
export function readHost<S extends Setting>(reader: SettingReader<S>, name: PlainName<S>, fallback: string): string {
  const text = reader.text(name);
  if (text === undefined) return fallback;
  if (isIP(text) !== 0 || /^[a-z\d]([\w.-]*[a-z\d])?$/i.test(text)) return text;
  reader.problem(name, `${text} is not a host name or address`, `set one, such as ${fallback}`);
  return fallback;
}

/** Networks in CIDR notation, comma separated; a bare address is a network of one. */
export function readNetworks<S extends Setting>(reader: SettingReader<S>, name: PlainName<S>): readonly string[] {
  const networks = (reader.text(name) ?? "").split(",").map((network) => network.trim());
  return networks.filter((network) => {
    if (network === "") return false;
    if (!isNetwork(network)) reader.problem(name, `${network} is not a network`, "set CIDRs, such as 10.0.0.0/8");
    return true;
  });
}

/** Whether a text is a network in CIDR notation, or an address. */
export function isNetwork(network: string): boolean {
  const [address = "", length, ...rest] = network.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (version === 6 ? 128 : 32));
}
