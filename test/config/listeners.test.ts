import { describe, expect, test } from "vitest";
import { isLoopback } from "../../src/settings/addresses.ts";
import { createAuthority } from "../support/certificates.ts";
import { errorOf, load, warningsOf } from "./load.ts";

const authority = createAuthority();
const own = authority.issue(["DNS:localhost"]);
const certificateFiles = { "/cert.pem": own.cert, "/key.pem": own.key, "/ca.pem": authority.cert };

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

  test("warns of installs that anybody may start, beyond loopback", () => {
    expect(warningsOf({ BASE_URL: "https://oauth.example:444/x", INSTALL_MODE: "open" })).toEqual([
      "INSTALL_MODE=open: whoever reaches oauth.example:444 can connect what is theirs for any owner they name; " +
        "set INSTALL_MODE=link, and let the product make links with CreateInstallLink",
    ]);
    for (const env of [{ INSTALL_MODE: "open" }, { BASE_URL: "https://oauth.example" }, {}]) {
      expect(warningsOf(env)).toEqual([]);
    }
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
  const tls = { TLS_CERT_FILE: "/cert.pem", TLS_KEY_FILE: "/key.pem" };
  const encryptions = [{}, tls, { TLS_TERMINATED_BY_PROXY: "1" }, { ...tls, TLS_TERMINATED_BY_PROXY: "1" }];
  const proofs = [{}, { AUTH_CONFIG: "/callers.yaml" }];
  const outside = ["0.0.0.0", "::", "10.1.2.3", "service.internal"];
  const loopbacks = ["127.0.0.1", "::1", "localhost"];
  const combinations = [...outside, ...loopbacks].flatMap((host) =>
    encryptions.flatMap((encryption) => proofs.map((proof) => ({ INTERNAL_HOST: host, ...encryption, ...proof }))),
  );

  test.each(combinations)("bind as told, or say what to set: %o", (env: Readonly<Record<string, string>>) => {
    const message = errorOf(env, certificateFiles);
    const isOutside = outside.includes(env.INTERNAL_HOST ?? "");
    const isEncrypted = env.TLS_CERT_FILE !== undefined || env.TLS_TERMINATED_BY_PROXY === "1";
    expect(message.includes("set AUTH_CONFIG to a caller file")).toBe(isOutside && env.AUTH_CONFIG === undefined);
    expect(message.includes("set TLS_CERT_FILE and TLS_KEY_FILE, or TLS_TERM")).toBe(isOutside && !isEncrypted);
    expect(message === "").toBe(!isOutside || (env.AUTH_CONFIG !== undefined && isEncrypted));
  });

  test("everything that is wrong is said at once", () => {
    const message = errorOf({ INTERNAL_HOST: "0.0.0.0", TLS_CLIENT_CA_FILE: "/ca.pem" }, certificateFiles);
    expect(message.match(/^ {2}(INTERNAL_HOST|TLS_CLIENT_CA_FILE): /gm)).toHaveLength(3);
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

describe("certificates", () => {
  const all = { TLS_CERT_FILE: "/cert.pem", TLS_KEY_FILE: "/key.pem", TLS_CLIENT_CA_FILE: "/ca.pem" };
  const { cert, key } = authority.issue(["DNS:localhost"]);

  test("are named by their files", () => {
    const { tls } = load(all, certificateFiles);
    expect(tls).toEqual({ cert: "/cert.pem", key: "/key.pem", clientCa: "/ca.pem" });
    const { TLS_CLIENT_CA_FILE: _, ...pair } = all;
    expect(load(pair, { ...certificateFiles, "/cert.pem": own.cert + authority.cert }).tls?.clientCa).toBeUndefined();
    expect(load({}).tls).toBeUndefined();
  });

  test.each([
    [{ TLS_CERT_FILE: "/cert.pem" }, "TLS_KEY_FILE: is not set, and TLS_CERT_FILE is"],
    [{ TLS_KEY_FILE: "/key.pem" }, "TLS_CERT_FILE: is not set, and TLS_KEY_FILE is"],
    [{ TLS_CLIENT_CA_FILE: "/ca.pem" }, "TLS_CLIENT_CA_FILE: certificates of callers are seen only where TLS is"],
    [{ ...all, TLS_KEY_FILE: "/gone.pem" }, "TLS_KEY_FILE: the file /gone.pem cannot be read (ENOENT)"],
    [{ ...all, TLS_CLIENT_CA_FILE: "/gone.pem" }, "TLS_CLIENT_CA_FILE: the file /gone.pem cannot be read (ENOENT)"],
    [{ TLS_TERMINATED_BY_PROXY: "yes" }, "TLS_TERMINATED_BY_PROXY: yes is unknown"],
  ])("half given or absent are an error: %o", (env, message) => {
    expect(errorOf(env as unknown as Record<string, string>, certificateFiles)).toContain(message);
  });

  test.each([
    ["/cert.pem", cert, "TLS_KEY_FILE: the file /key.pem is not the key of the certificate"],
    ["/key.pem", key, "TLS_KEY_FILE: the file /key.pem is not the key of the certificate"],
    ["/cert.pem", own.key, "TLS_CERT_FILE: the file /cert.pem holds no PEM certificates"],
    [
      "/cert.pem",
      own.cert.replace(/.{40}\n-----END/, "\n-----END"),
      "/cert.pem holds no PEM certificates, or a broken",
    ],
    ["/key.pem", "canary-key", "TLS_KEY_FILE: the file /key.pem holds no PEM private key"],
    ["/ca.pem", "", "TLS_CLIENT_CA_FILE: the file /ca.pem holds no PEM certificates"],
    [
      "/ca.pem",
      `${authority.cert}${authority.cert.replace(/M/g, "!")}`,
      "TLS_CLIENT_CA_FILE: the file /ca.pem holds no",
    ],
  ])("that cannot be used are an error that names the file: %s", (path, content, message) => {
    const text = errorOf(all, { ...certificateFiles, [path]: content });
    expect(text).toContain(message);
    expect(text).not.toMatch(/PRIVATE KEY|canary/);
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
