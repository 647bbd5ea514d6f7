import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { environmentFetch } from "../../../client/src/cli/environment-fetch.ts";
import { type LinkService, startLinkService } from "./link-service.ts";
import { createPerson } from "./person.ts";

/** A proxy that lets nobody through, and what it was told. */
const asked: string[] = [];
let proxy: string;
const server = createServer((request) => void asked.push(`${request.method} ${request.url}`));
server.on("connect", (request, socket) => {
  asked.push(`CONNECT ${request.url} ${JSON.stringify(request.headers)}`);
  socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
});
let service: LinkService;
beforeEach(async () => {
  asked.length = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  service = await startLinkService();
});
afterEach(async () => {
  await service.close();
  server.closeAllConnections();
  server.close();
});

const secret = { headers: { authorization: "Bearer hidden" } };

test.each(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])(
  "%s is the way out, and sees no secret",
  async (name) => {
    const fetch = environmentFetch({ [name]: proxy, https_proxy: name === "https_proxy" ? proxy : "" });
    await expect(fetch("https://tokens.example/v1/tokens/a", secret)).rejects.toThrow();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/^CONNECT tokens\.example:443 /);
    expect(asked[0]).not.toContain("hidden");
  },
);

test("neither this machine nor what no_proxy names is asked through it", async () => {
  const fetch = environmentFetch({ HTTPS_PROXY: `http://${proxy}`, NO_PROXY: "tokens.invalid" });
  expect((await fetch(service.url, secret)).status).toBe(200);
  await expect(fetch(service.url.replace("http:", "https:"), secret)).rejects.toThrow();
  await expect(fetch("https://tokens.invalid/", secret)).rejects.toThrow();
  expect(asked).toEqual([]);
});

test("plain http is of this machine, at every address of it, and of no proxy", async () => {
  const fetch = environmentFetch({ HTTPS_PROXY: `http://${proxy}` });
  const before = process.env.http_proxy;
  process.env.http_proxy = `http://${proxy}`;
  try {
    await expect(fetch(service.url.replace("127.0.0.1", "127.0.0.2"), secret)).rejects.toThrow();
  } finally {
    if (before === undefined) delete process.env.http_proxy;
    else process.env.http_proxy = before;
  }
  expect(asked).toEqual([]);
});

test("what is no proxy is told, and not passed by", async () => {
  const person = createPerson({ fetch: environmentFetch({ HTTPS_PROXY: "socks5://127.0.0.1:1" }) });
  const { code, err } = await person.run("login", "--platform", "jira", "--service", "https://tokens.invalid");
  expect(code).toBe(2);
  expect(err).toContain("socks5://127.0.0.1:1");
  person.end();
});
