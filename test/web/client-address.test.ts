import { Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createClientAddress } from "../../src/web/client-address.ts";
import { askRaw } from "./support/http.ts";
import { startSite } from "./support/site.ts";

function from(peer: string | undefined, forwarded?: string, trusted: readonly string[] = ["10.0.0.0/8", "fd00::/8"]) {
  const socket = Object.defineProperty(new Socket(), "remoteAddress", { value: peer });
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return createClientAddress(trusted)({ socket, headers });
}

describe("the address of a request", () => {
  test.each([
    ["a peer that is no proxy", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["a peer beside the network", "11.0.0.1", "198.51.100.1", "11.0.0.1"],
    ["a proxy that says nothing", "10.0.0.1", undefined, "10.0.0.1"],
    ["a proxy's word", "10.0.0.1", "198.51.100.1", "198.51.100.1"],
    ["what a client put in front of it", "10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"],
    ["several proxies", "10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.3, 10.9.9.9", "198.51.100.1"],
    ["proxies only", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
    ["a port", "10.0.0.1", "198.51.100.1:4711", "198.51.100.1"],
    ["IPv6", "fd00::1", "2001:DB8:0:0::1", "2001:db8::1"],
    ["IPv6 in brackets", "10.0.0.1", "[2001:db8::1]", "2001:db8::1"],
    ["IPv6 with a port", "10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"],
    ["IPv4 in IPv6", "::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"],
    ["IPv4 in hexadecimal IPv6", "::ffff:a00:1", "::ffff:c633:6401", "198.51.100.1"],
    ["a proxy in IPv6 spelling", "10.0.0.1", "198.51.100.1, ::ffff:10.0.0.7", "198.51.100.1"],
    ["a zone", "10.0.0.1", "198.51.100.1, fe80::1%eth0", "10.0.0.1"],
    ["an empty header", "10.0.0.1", "", "10.0.0.1"],
    ["an empty hop", "10.0.0.1", "198.51.100.1,,10.0.0.2", "10.0.0.2"],
    ["garbage at the end", "10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"],
    ["garbage in front", "10.0.0.1", "<script>, 198.51.100.1", "198.51.100.1"],
    ["an octal address", "10.0.0.1", "0300.51.100.1", "10.0.0.1"],
    ["a decimal address", "10.0.0.1", "3325256705", "10.0.0.1"],
    ["a list in quotes", "10.0.0.1", '"198.51.100.1"', "10.0.0.1"],
    ["a Forwarded-like pair", "10.0.0.1", "for=198.51.100.1", "10.0.0.1"],
    ["no peer", undefined, "198.51.100.1", undefined],
  ])("is right for %s", (_what, peer, forwarded, expected) => {
    expect(from(peer, forwarded)).toBe(expected);
  });

  test("is the peer's where no proxy is trusted, whatever a header says", () => {
    fc.assert(fc.property(fc.string(), (text) => from("198.51.100.7", text, []) === "198.51.100.7"));
    fc.assert(fc.property(fc.string(), (text) => from("198.51.100.7", text) === "198.51.100.7"));
  });

  test("is always an address in one spelling, whatever a trusted proxy passes on", () => {
    const hop = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom("[", "]:1", "::ffff:1.2.3.4", " ", "%"));
    fc.assert(
      fc.property(fc.array(hop), (hops) => /^[\da-f.:]+$/.test(from("10.0.0.1", hops.join(",")) ?? "")),
      { numRuns: 1_000 },
    );
  });
});

const spoofed = [
  "X-Forwarded-For: 1.1.1.1",
  "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2",
  "X_Forwarded_For: 1.1.1.1",
  "x-forwarded_for: 1.1.1.1",
  "X-Real-IP: 1.1.1.1",
  "Forwarded: for=1.1.1.1;host=evil.example;proto=https",
  "X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 444",
  "X-Original-URL: /health\r\nX-Rewrite-URL: /health",
  "X-Client-Cert: spiffe://a\r\nX-Forwarded-Client-Cert: URI=spiffe://a",
];

test.each(spoofed)("nothing is believed of a peer that is no trusted proxy: %j", async (lines) => {
  const counted: string[] = [];
  const count = async (key: string) => {
    counted.push(key);
    return 0;
  };
  const site = await startSite({ rateLimits: { count } });
  const text = await askRaw(
    site.port,
    `GET /oauth/install/slack HTTP/1.1\r\nHost: ${site.baseUrl.host}\r\n${lines}\r\nConnection: close\r\n\r\n`,
  );
  expect(text).toMatch(/^HTTP\/1\.1 302 [\s\S]*Location: https:\/\/platform\.example\/authorize/);
  expect(counted).toEqual(["start 127.0.0.1"]);
  expect(JSON.parse(site.world.lines[0] ?? "").address).toBe("127.0.0.1");
});

test("the word of a trusted proxy is what is counted and logged, its twins are not", async () => {
  const counted: string[] = [];
  const count = async (key: string) => {
    counted.push(key);
    return 0;
  };
  const site = await startSite({
    addressOf: createClientAddress(["127.0.0.0/8"]),
    rateLimits: { count },
  });
  const headers = { "x-forwarded-for": "2001:db8:1:2:3::4", x_forwarded_for: "1.1.1.1" };
  await site.ask("/oauth/install/slack", { headers });
  expect(counted).toEqual(["start 2001:db8:1:2::/64"]);
  expect(JSON.parse(site.world.lines[0] ?? "").address).toBe("2001:db8:1:2:3::4");
});
