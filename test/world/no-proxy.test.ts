import { expect, test } from "vitest";
import { createNoProxyNetworks } from "../../src/world/no-proxy.ts";

const isDirect = createNoProxyNetworks(
  "db.internal, 10.0.0.0/8 192.168.7.0/24,fd00::/8,10.0.0.0/33,::/200,172.16/12,1.2.3.4",
);

test.each(["10.1.2.3", "192.168.7.9", "[fd00::1]", "fd12::9"])("%s is in a network of NO_PROXY", (host) => {
  expect(isDirect(host)).toBe(true);
});

test.each([
  "11.0.0.1",
  "192.168.8.1",
  "[fe80::1]",
  "[2001:db8::1]",
  "db.internal",
  "10.0.0.1.example",
  "172.16.0.1",
  "1.2.3.4",
])("%s is in none", (host) => {
  expect(isDirect(host)).toBe(false);
});
