import { describe, expect, test } from "vitest";
import { askRaw } from "../support/http.ts";
import { startInternal } from "../support/internal.ts";

describe("the internal app", () => {
  test.each(["localhost", "LOCALHOST:8011", "localhost:1", "127.0.0.1", "127.8.9.255:8011", "[::1]", "[::1]:8011"])(
    "answers to the loopback name %s",
    async (host) => {
      const internal = await startInternal();
      expect((await internal.ask("/health", { headers: { host } })).status).toBe(200);
    },
  );

  test.each([
    "evil.example",
    "localhost.evil.example",
    "evil.localhost",
    "localhost.",
    "localhost@evil.example",
    "evil.example@localhost",
    "localhost/evil.example",
    "localhost#",
    "localhost:x",
    "127.0.0.1.evil.example",
    "127.0.0.256",
    "evil127.0.0.1",
    "evil.127.0.0.1",
    "127.1",
    "0x7f.0.0.1",
    "2130706433",
    "0.0.0.0",
    "10.0.0.1",
    "[::]",
    "[::ffff:127.0.0.1]",
    "::1",
  ])("refuses everything to the host %j", async (host) => {
    const internal = await startInternal();
    for (const path of ["/health", "/oauth/token/slack", "/oauth.token.v1.TokenService/GetToken", "/nothing"]) {
      const answer = await internal.ask(path, { headers: { host } });
      expect([answer.status, JSON.parse(answer.text).error]).toEqual([
        403,
        {
          code: "PERMISSION_DENIED",
          reason: "CALLER_NOT_ALLOWED",
          message: expect.stringContaining("Host header"),
          metadata: {},
        },
      ]);
    }
    expect(internal.calls).toEqual([]);
  });

  test("answers to any name where callers prove who they are", async () => {
    const { ask } = await startInternal({ anyHost: true });
    expect((await ask("/health", { headers: { host: "oauth.internal:8011" } })).status).toBe(200);
  });

  test("refuses a request that names no host, and one whose line names loopback only", async () => {
    const internal = await startInternal();
    expect(await askRaw(internal.port, "GET /health HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 403 /);
    const empty = "GET /health HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n";
    expect(await askRaw(internal.port, empty)).toMatch(/^HTTP\/1\.1 403 /);
    const disguised = "GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    expect(await askRaw(internal.port, disguised)).toMatch(/^HTTP\/1\.1 403 /);
  });

  test("says how it is, and with full=1 how its parts are", async () => {
    let ok = true;
    const internal = await startInternal({
      readHealth: async () => ({ ok, parts: { database: ok ? "ok" : "unavailable", keys: 2, platforms: ["slack"] } }),
    });
    const health = async (path: string) => {
      const { status, text } = await internal.ask(path);
      return [status, JSON.parse(text)];
    };
    expect(await health("/health?full=1")).toEqual([
      200,
      { status: "ok", database: "ok", keys: 2, platforms: ["slack"] },
    ]);
    ok = false;
    expect(await health("/health?full=1")).toEqual([
      503,
      { status: "unavailable", database: "unavailable", keys: 2, platforms: ["slack"] },
    ]);
    expect(await health("/health")).toEqual([200, { status: "ok" }]);
    expect(await health("/health?full=0")).toEqual([200, { status: "ok" }]);
  });

  test("leaves an RPC whole to its handler: path, query, headers and a body nobody has read", async () => {
    const seen: unknown[] = [];
    const internal = await startInternal({
      connect: async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        seen.push([request.method, request.url, request.headers["content-type"], body]);
        response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
      },
    });
    const answer = await internal.ask("/oauth.token.v1.TokenService/GetToken?connect=v1", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"platform":"slack"}',
    });
    expect([answer.status, answer.text]).toEqual([200, "{}"]);
    expect(seen).toEqual([
      ["POST", "/oauth.token.v1.TokenService/GetToken?connect=v1", "application/json", '{"platform":"slack"}'],
    ]);
  });

  test("answers an RPC that its handler has not, and every other path, with 404", async () => {
    const internal = await startInternal({ connect: (_request, _response, next) => next() });
    const paths = [
      "/oauth.token.v1.TokenService/Nothing",
      "/oauth.token.v1.TokenServiceX/GetToken",
      "/oauth/install/slack",
      "/",
    ];
    for (const path of paths) {
      const answer = await internal.ask(path, { method: "POST", body: "{}" });
      expect([answer.status, JSON.parse(answer.text).error]).toEqual([
        404,
        { code: "NOT_FOUND", reason: "INVALID_REQUEST", message: "there is no such route", metadata: {} },
      ]);
    }
  });

  test.each([
    ["POST", "/health", "GET, HEAD"],
    ["HEAD", "/oauth/token/slack", "GET"],
    ["POST", "/oauth/token/slack", "GET"],
    ["POST", "/oauth/installations", "GET, HEAD"],
    ["GET", "/oauth/installations/7", "DELETE"],
    ["OPTIONS", "/oauth/installations/7", "DELETE"],
  ])("takes no %s at %s", async (method, path, allow) => {
    const internal = await startInternal();
    const answer = await internal.ask(path, { method });
    expect([answer.status, answer.headers.allow]).toEqual([405, allow]);
    expect(internal.calls).toEqual([]);
  });

  test("answers a bug with an internal error that says nothing", async () => {
    const internal = await startInternal({ readHealth: () => Promise.reject(new Error("secret-text")) });
    const answer = await internal.ask("/health?full=1");
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      500,
      { error: { code: "INTERNAL", reason: "", message: "internal error", metadata: {} } },
    ]);
    expect(internal.world.lines.join()).toContain("http.unexpected");
    expect(internal.world.lines.join()).not.toContain("secret-text");
  });
});
