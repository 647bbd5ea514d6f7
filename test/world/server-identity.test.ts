import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createPlatformFetch } from "../../src/world/platform-fetch.ts";
import { createAuthority } from "../support/certificates.ts";

const authority = createAuthority();
const before = getCACertificates("default");
beforeAll(() => setDefaultCACertificates([authority.cert]));
afterAll(() => setDefaultCACertificates(before));

async function listening(server: Server, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host === "[::1]" ? "::1" : "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A platform, an issuer's keys: something that answers over TLS. */
const httpsServer = (host: string, names: readonly string[]) =>
  listening(
    createServer(authority.issue(names), (_request, response) => response.end("ok")),
    host,
  );

/** A proxy that tunnels, itself behind TLS if it has names. */
function proxyServer(host: string, names?: readonly string[]): Promise<number> {
  const server = names === undefined ? createHttpServer() : createServer(authority.issue(names));
  server.on("connect", (request, client, head) => {
    const upstream = connect(portOf(request.url), request.url?.startsWith("[::1]") ? "::1" : "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connected\r\n\r\n");
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    upstream.on("error", () => undefined).on("close", () => client.destroy());
    client.on("error", () => undefined).on("close", () => upstream.destroy());
  });
  return listening(server, host);
}

const portOf = (authority = "") => Number(authority.slice(authority.lastIndexOf(":") + 1));

/** The answer, or the code of what went wrong. */
async function outcome(url: string, httpsProxy?: string): Promise<string> {
  const out = createPlatformFetch({ httpsProxy, noProxy: undefined, isOwnHost: () => true });
  try {
    return await (await out.fetchNamed(url)).text();
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      if ("code" in cause && String(cause.code).startsWith("ERR_TLS")) return String(cause.code);
    }
    return String(error);
  } finally {
    await out.close();
  }
}

const cases = [
  ["127.0.0.1", ["IP:127.0.0.1"], "ok"],
  ["127.0.0.1", ["DNS:localhost"], "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["127.0.0.1", ["DNS:127.0.0.1"], "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["127.0.0.1", ["IP:127.0.0.2"], "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["[::1]", ["IP:::1"], "ok"],
  ["[::1]", ["IP:::2", "IP:127.0.0.1"], "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["[::1]", ["DNS:localhost"], "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["localhost", ["DNS:localhost"], "ok"],
  ["localhost", ["IP:127.0.0.1"], "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["localhost", ["DNS:platform.example"], "ERR_TLS_CERT_ALTNAME_INVALID"],
] as const;

describe("a server that is called by", () => {
  test.each(cases)("%s and has a certificate for %j: %s", async (host, names, expected) => {
    expect(await outcome(`https://${host}:${await httpsServer(host, names)}/`)).toBe(expected);
  });

  test.each(cases)("%s through a proxy and has a certificate for %j: %s", async (host, names, expected) => {
    const url = `https://${host}:${await httpsServer(host, names)}/`;
    expect(await outcome(url, `http://127.0.0.1:${await proxyServer("127.0.0.1")}`)).toBe(expected);
  });
});

describe("a proxy with TLS that is named", () => {
  test.each(cases)("%s and has a certificate for %j: %s", async (host, names, expected) => {
    const url = `https://localhost:${await httpsServer("localhost", ["DNS:localhost"])}/`;
    expect(await outcome(url, `https://${host}:${await proxyServer(host, names)}`)).toBe(expected);
  });
});
