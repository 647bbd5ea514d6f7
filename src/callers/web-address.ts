import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** The address, if it is https, or http on loopback, and has neither user nor fragment; otherwise undefined. */
export function safeAddress(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const secure = url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
  return secure && url.username === "" && url.password === "" && !text.includes("#") ? url : undefined;
}

function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[(.*)\]$/, "$1");
  const version = isIP(name);
  if (version !== 0) return loopback.check(name, version === 6 ? "ipv6" : "ipv4");
  return name === "localhost" || name.endsWith(".localhost");
}
