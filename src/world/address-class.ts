import { BlockList, isIP } from "node:net";

/**
 * What an address leads to. `public`: the internet. `private`: a network of the operator's. `loopback`: this machine.
 * `forbidden`: nothing that is ever called, such as link-local and metadata addresses, multicast and reserved ranges.
 */
export type AddressClass = "public" | "private" | "loopback" | "forbidden";

/** The first range that holds an address decides. Metadata services lie inside of ranges that are otherwise fine. */
const ranges: readonly (readonly [AddressClass, BlockList])[] = [
  ["forbidden", blockList("100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::/32")],
  ["loopback", blockList("127.0.0.0/8", "::1/128")],
  // RFC 1918, the shared space of RFC 6598, unique local addresses of RFC 4193.
  ["private", blockList("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")],
  // The special-purpose registries of IANA.
  [
    "forbidden",
    blockList(
      "0.0.0.0/8",
      "169.254.0.0/16",
      "192.0.0.0/24",
      "192.0.2.0/24",
      "192.88.99.0/24",
      "198.18.0.0/15",
      "198.51.100.0/24",
      "203.0.113.0/24",
      "224.0.0.0/3",
      "2001::/23",
      "2001:db8::/32",
      "3fff::/20",
    ),
  ],
  // IPv6 outside of global unicast is forbidden.
  ["public", blockList("0.0.0.0/0", "2000::/3")],
];

/** IPv6 prefixes in front of an IPv4 address: mapped, NAT64 and 6to4. That address is what is reached. */
const carriers: readonly (readonly number[])[] = [[0, 0, 0, 0, 0, 0xffff], [0x64, 0xff9b, 0, 0, 0, 0], [0x2002]];

/** The class of an IPv4 or IPv6 address. Of one that carries an IPv4 address, that one's. No address: forbidden. */
export function classOf(address: string): AddressClass {
  if (isIP(address) === 4) return classIn(address, "ipv4");
  const groups = groupsOf(address);
  if (groups === undefined) return "forbidden";
  const carrier = carriers.find((prefix) => prefix.every((group, index) => groups[index] === group));
  if (carrier === undefined) return classIn(address, "ipv6");
  const bytes = groups.slice(carrier.length, carrier.length + 2).flatMap((group) => [group >> 8, group & 0xff]);
  return classIn(bytes.join("."), "ipv4");
}

function classIn(address: string, family: "ipv4" | "ipv6"): AddressClass {
  return ranges.find(([, list]) => list.check(address, family))?.[0] ?? "forbidden";
}

/** The eight groups of an IPv6 address; undefined for anything else, and for one with a zone, which is link-local. */
function groupsOf(address: string): readonly number[] | undefined {
  if (isIP(address) !== 6 || !URL.canParse(`http://[${address}]`)) return undefined;
  // The URL standard spells every address in hexadecimal groups.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const [before, after] = [head, tail ?? ""].map((part) => part.split(":").filter((group) => group !== ""));
  const gap = 8 - (before?.length ?? 0) - (after?.length ?? 0);
  return [...(before ?? []), ...Array<string>(gap).fill("0"), ...(after ?? [])].map((group) =>
    Number.parseInt(group, 16),
  );
}

function blockList(...networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", length] = network.split("/");
    list.addSubnet(address, Number(length), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
