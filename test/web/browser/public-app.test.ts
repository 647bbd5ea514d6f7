import { describe, expect, test } from "vitest";
import { askRaw } from "../support/http.ts";
import { startSite } from "../support/site.ts";

describe("the public app", () => {
  test.each(["/health", "/v1/healthz"])("says at %s that it is alive", async (path) => {
    const site = await startSite();
    const answer = await site.ask(path);
    expect([answer.status, answer.text]).toEqual([200, '{"status":"ok"}']);
    const head = await site.ask(path, { method: "HEAD" });
    expect([head.status, head.text]).toEqual([200, ""]);
  });

  test.each([
    ["ok", 200, undefined],
    ["unavailable", 503, undefined],
    ["draining", 503, "close"],
  ] as const)("says at /readyz that it is %s, loudly nowhere", async (readiness, status, connection) => {
    const site = await startSite({ readiness: () => readiness });
    const answer = await site.ask("/readyz");
    expect([answer.status, answer.text]).toEqual([status, JSON.stringify({ status: readiness })]);
    const { headers } = await site.ask("/health", { headers: { connection: "keep-alive" } });
    expect(headers.connection === "close" ? "close" : undefined).toBe(connection);
    expect(site.world.lines.map((line) => JSON.parse(line).level)).not.toContain("warn");
  });

  test.each([
    ["POST", "/health", "GET, HEAD"],
    ["POST", "/readyz", "GET, HEAD"],
    ["POST", "/", "GET, HEAD"],
    ["DELETE", "/v1/healthz", "GET, HEAD"],
    ["POST", "/connect.js", "GET, HEAD"],
    ["POST", "/oauth/install/slack", "GET"],
    ["HEAD", "/oauth/install/slack", "GET"],
    ["OPTIONS", "/oauth/install/slack", "GET"],
    ["HEAD", "/oauth/callback/slack", "GET"],
    ["POST", "/oauth/callback/slack", "GET"],
    ["PATCH", "/oauth/callback/slack", "GET"],
  ])("takes no %s at %s", async (method, path, allow) => {
    const site = await startSite();
    const answer = await site.ask(path, { method });
    expect([answer.status, answer.headers.allow]).toEqual([405, allow]);
    expect(site.starts).toEqual([]);
  });

  test.each([
    "/oauth",
    "/oauth/install",
    "/oauth/install/",
    "/oauth/callback",
    "/oauth/install/a/b",
    "/OAuth/install/slack",
    "/oauth/token/slack",
    "/oauth/installations",
    "/oauth.token.v1.TokenService/GetToken",
    "/metrics",
    "/favicon.ico",
    "/health/../oauth",
    "//health",
  ])("has nothing at %s", async (path) => {
    const site = await startSite();
    const page = await site.ask(path);
    expect([page.status, page.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
    const error = await site.ask(path, { headers: { accept: "application/json" } });
    expect([error.status, JSON.parse(error.text).error.code]).toEqual([404, "not_found"]);
  });

  test.each([
    ["broken escapes in the path", "GET /oauth/install/%zz HTTP/1.1", 400],
    ["a path that is not UTF-8", "GET /oauth/callback/%FF HTTP/1.1", 400],
    ["an unclosed address", "GET http://[ HTTP/1.1", 400],
    ["an unknown scheme", "GET gopher://localhost/health HTTP/1.1", 400],
    ["an asterisk", "OPTIONS * HTTP/1.1", 400],
    ["raw bytes in the path", "GET /\x80\xff HTTP/1.1", 400],
    ["a long URL", `GET /oauth/install/slack?owner=${"a".repeat(20_000)} HTTP/1.1`, 431],
    ["a long header", `GET /health HTTP/1.1\r\nX-Long: ${"a".repeat(20_000)}`, 431],
    ["an unknown method", "BREW /health HTTP/1.1", 400],
    ["two lengths", "GET /health HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", 400],
    ["a length and chunks", "POST /health HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 400],
    ["nothing of HTTP", "\x16\x03\x01", 400],
  ])("answers %s without a page of somebody else's", async (_what, head, status) => {
    const site = await startSite();
    const answer = await askRaw(site.port, `${head}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(answer.slice(9, 12)).toBe(String(status));
    expect(answer).not.toMatch(/Error|Cannot|Failed to decode|node_modules/);
    const levels = site.world.lines.map((line) => JSON.parse(line).level);
    expect(levels).not.toContain("error");
  });

  test("takes a request line that names the whole URL", async () => {
    const site = await startSite();
    const answer = await askRaw(
      site.port,
      "GET http://localhost/health?x=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("takes a request that names no host", async () => {
    const site = await startSite();
    const answer = await askRaw(site.port, "GET /oauth/install/slack HTTP/1.0\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 302 [\s\S]*Location: https:\/\/platform\.example\//);
  });

  test("believes no forwarded header", async () => {
    const site = await startSite();
    const answer = await site.ask("/oauth/install/slack", {
      headers: { "x-forwarded-host": "evil.example", "x-forwarded-proto": "https", forwarded: "host=evil.example" },
    });
    expect(answer.headers.location).toBe("https://platform.example/authorize?state=state-1");
    expect(answer.setCookies[0]).toMatch(/^ots-/);
  });
});
