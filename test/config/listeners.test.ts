import { describe, expect, test } from "vitest";
import { isLoopback } from "../../src/config/addresses.ts";
import { errorOf, load } from "./load.ts";

describe("the public listener", () => {
  test("is open to the network, and closed to strangers' installs, where its address is", () => {
    expect(load({ BASE_URL: "https://oauth.example/" }).public).toMatchObject({
      host: "0.0.0.0",
      installMode: "link",
      allowedReturnOrigins: ["https://oauth.example"],
    });
  });

  test("follows PORT in its default address", () => {
    expect(load({ PORT: "9000" }).public.baseUrl.href).toBe("http://localhost:9000/");
  });

  test.each(["BASE_URL", "OAUTH_CALLBACK_BASE", "PUBLIC_URL"])("takes its address from %s", (name) => {
    expect(load({ [name]: "https://oauth.example/auth" }).public.baseUrl.href).toBe("https://oauth.example/auth");
  });

  test("keeps what is set beside a public address", () => {
    const env = { BASE_URL: "https://oauth.example", HOST: "127.0.0.1", INSTALL_MODE: "open" };
    expect(load(env).public).toMatchObject({ host: "127.0.0.1", installMode: "open" });
  });

  test.each([
    ["http://oauth.example", "http:// is for loopback only"],
    ["oauth.example", "this is not an address with https://"],
    ["https://user:canary@oauth.example", "must not carry a user or password"],
    ["https://oauth.example?x=1", "must not have a query"],
  ])("refuses the address %s", (url, why) => {
    expect(errorOf({ BASE_URL: url })).toContain(why);
    expect(errorOf({ BASE_URL: url })).not.toContain("canary");
  });

  test("lets browsers return to the origins named, and to nothing that is not an origin", () => {
    const env = { ALLOWED_RETURN_ORIGINS: "https://portal.example, HTTPS://Other.Example:443/" };
    expect(load(env).public.allowedReturnOrigins).toEqual(["https://portal.example", "https://other.example"]);
    expect(errorOf({ ALLOWED_RETURN_ORIGINS: "https://portal.example/path" })).toContain("an origin has no path");
    expect(errorOf({ ALLOWED_RETURN_ORIGINS: "*" })).toContain("ALLOWED_RETURN_ORIGINS");
  });
});

describe("the internal listeners", () => {
  test.each(["0.0.0.0", "::", "10.1.2.3", "service.internal"])("refuse to be reached from outside at %s", (host) => {
    const message = errorOf({ INTERNAL_HOST: host });
    expect(message).toContain("this version cannot authenticate callers yet");
    expect(message).toContain("set INTERNAL_HOST=127.0.0.1");
    expect(errorOf({ INTERNAL_HOST: host, TLS_TERMINATED_BY_PROXY: "1" })).toContain("INTERNAL_HOST");
  });

  test("take another loopback address", () => {
    expect(load({ INTERNAL_HOST: "::1", GRPC_PORT: "0", INTERNAL_PORT: "0" })).toMatchObject({
      grpc: { host: "::1", port: 0 },
      internal: { host: "::1", port: 0 },
    });
  });

  test("refuse to share a port", () => {
    expect(errorOf({ INTERNAL_PORT: "8010" })).toContain("INTERNAL_PORT: 8010 is also PORT");
  });
});

test("only this machine's own names and addresses are loopback", () => {
  expect(
    ["localhost", "LOCALHOST", "a.localhost", "127.9.9.9", "::1", "[::1]"].filter((host) => !isLoopback(host)),
  ).toEqual([]);
  expect(["127.0.0.1.example", "localhost.example", "0.0.0.0", "::", "128.0.0.1"].filter(isLoopback)).toEqual([]);
});

test("proxies are believed by network, and a network that is none is refused", () => {
  expect(load({ TRUSTED_PROXIES: "10.0.0.0/8, ::1 ,192.168.1.1" }).trustedProxies).toEqual([
    "10.0.0.0/8",
    "::1",
    "192.168.1.1",
  ]);
  for (const network of ["10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "all", "::/129"]) {
    expect(errorOf({ TRUSTED_PROXIES: network })).toContain(`${network} is not a network`);
  }
});

test("the product's page for connecting is an https address", () => {
  expect(load({ INSTALL_PAGE_URL: "https://portal.example/connect?x=1" }).installPageUrl?.href).toBe(
    "https://portal.example/connect?x=1",
  );
  expect(errorOf({ INSTALL_PAGE_URL: "javascript:alert(1)" })).toContain("INSTALL_PAGE_URL");
  expect(errorOf({ INSTALL_PAGE_URL: "http://portal.example" })).toContain("INSTALL_PAGE_URL");
});
