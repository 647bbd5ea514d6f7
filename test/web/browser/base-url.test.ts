import { describe, expect, test } from "vitest";
import { createBrowser } from "../../../rig/browser.ts";
import { startSite } from "../support/site.ts";

describe("a browser that came by another host name", () => {
  test("is sent to the base URL before an attempt begins, so that its cookie comes back", async () => {
    const site = await startSite();
    const browser = createBrowser();
    const first = await browser.get(
      `http://127.0.0.1:${site.port}/oauth/install/slack?owner=a%20b&return_to=https://portal.example/`,
    );
    expect([first.status, site.starts, browser.cookies.size]).toEqual([302, [], 0]);
    const location = first.headers.get("location") ?? "";
    expect(location).toBe(
      `http://localhost:${site.port}/oauth/install/slack?owner=a%20b&return_to=https://portal.example/&at_base_url=1`,
    );
    const second = await browser.get(location);
    expect(second.headers.get("location")).toBe("https://platform.example/authorize?state=state-1");
    expect(site.starts).toEqual([{ platform: "slack", owner: "a b", returnTo: "https://portal.example/" }]);
    const back = await browser.visit(`http://localhost:${site.port}/oauth/callback/slack?code=c&state=state-1`);
    expect(back.status).toBe(200);
  });

  test("is sent there from the callback as well, which then does not see the mark", async () => {
    const queries: string[] = [];
    const site = await startSite({
      finishInstall: async ({ query, platform }) => {
        queries.push(String(query));
        return { kind: "failed", failure: "denied", platform };
      },
    });
    const first = await site.ask("/oauth/callback/slack?code=c&state=s", { headers: { host: "old-name.example" } });
    expect([first.status, queries, first.text]).toEqual([302, [], ""]);
    const target = new URL(first.headers.location ?? "");
    expect(target.origin).toBe(site.baseUrl.origin);
    await site.ask(target.pathname + target.search);
    expect(queries).toEqual(["code=c&state=s"]);
  });

  test("is not sent in circles by a proxy that rewrites Host", async () => {
    const site = await startSite({ baseUrl: new URL("https://tokens.example") });
    const behindProxy = { headers: { host: "10.0.0.7:8010" } };
    const first = await site.ask("/oauth/install/slack", behindProxy);
    expect(first.headers.location).toBe("https://tokens.example/oauth/install/slack?at_base_url=1");
    const second = await site.ask("/oauth/install/slack?at_base_url=1", behindProxy);
    expect(second.headers.location).toBe("https://platform.example/authorize?state=state-1");
  });

  test.each([
    ["tokens.example", false],
    ["TOKENS.example:443", false],
    ["tokens.example:8443", false],
    ["tokens.example.", true],
    ["evil.example", true],
    ["tokens.example.evil.example", true],
    ["tokens.example@evil.example", true],
    ["evil.example/tokens.example", true],
    ["evil.example#tokens.example", true],
    ["evil.example\\tokens.example", true],
    ["%zz", true],
  ])("Host: %s is another name: %s", async (host, other) => {
    const site = await startSite({ baseUrl: new URL("https://tokens.example") });
    const { location = "" } = (await site.ask("/oauth/install/slack", { headers: { host } })).headers;
    expect(new URL(location).host).toBe(other ? "tokens.example" : "platform.example");
  });

  test.each([
    "/oauth/install/%2F%2Fevil.example",
    "/oauth/install/%5C%5Cevil.example",
    "/oauth/install/..",
    "/oauth/install/@evil.example",
    "/oauth/install/x?//evil.example",
    "http://evil.example/oauth/install/x",
    "//evil.example/oauth/install/x",
  ])("is never sent anywhere else: %s", async (path) => {
    const site = await startSite({ baseUrl: new URL("https://tokens.example") });
    const answer = await site.ask(path, { headers: { host: "other.example" } });
    if (answer.headers.location !== undefined)
      expect(new URL(answer.headers.location).origin).toBe("https://tokens.example");
    else expect(answer.status).toBe(404);
  });

  test("reaches the path a base URL has", async () => {
    const site = await startSite({ baseUrl: new URL("https://apps.example/tokens/") });
    const answer = await site.ask("/oauth/install/slack", { headers: { host: "inner" } });
    expect(answer.headers.location).toBe("https://apps.example/tokens/oauth/install/slack?at_base_url=1");
  });

  test("may ask for health under any name", async () => {
    const site = await startSite();
    expect((await site.ask("/health", { headers: { host: "10.1.2.3" } })).status).toBe(200);
  });
});

describe("a base URL with a path", () => {
  const baseUrl = new URL("https://apps.example/tokens/");
  const json = { host: "apps.example", accept: "application/json" };

  test.each(["", "/tokens"])("is served behind a proxy that passes on %j", async (passed) => {
    const site = await startSite({ baseUrl });
    const started = await site.ask(`${passed}/oauth/install/slack?owner=acme`);
    expect(started.headers.location).toBe("https://platform.example/authorize?state=state-1");
    const [cookie = ""] = started.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^__Host-ots-.*; Path=\/;/);
    const headers = { ...json, cookie: cookie.split(";")[0] ?? "" };
    const finished = await site.ask(`${passed}/oauth/callback/slack?code=c&state=state-1`, { headers });
    expect([finished.status, JSON.parse(finished.text).success]).toEqual([200, true]);
    expect((await site.ask(`${passed}/health`)).status).toBe(200);
    expect((await site.ask(`${passed}/oauth/install/slack`, { method: "POST" })).status).toBe(405);
    const routes = site.world.lines.map((line) => JSON.parse(line).route);
    expect(routes).toContain("/oauth/callback/:platform");
    const failed = await site.show(`${passed}/oauth/callback/slack?code=c`, { headers: { accept: "text/html" } });
    expect(failed.text).toContain('href="https://apps.example/tokens/oauth/install/slack"');
  });

  test.each(["/token/health", "/tokensx/health", "/other/health", "/tokens/tokens/health", "/tokensx"])(
    "is not served at %s",
    async (path) => {
      const site = await startSite({ baseUrl });
      expect((await site.ask(path, { headers: json })).status).toBe(404);
    },
  );

  test("that begins as the routes do is told from them", async () => {
    const site = await startSite({ baseUrl: new URL("https://apps.example/oauth") });
    for (const path of ["/oauth/install/slack", "/oauth/oauth/install/slack"]) {
      expect((await site.ask(path)).headers.location).toMatch(/^https:\/\/platform\.example\//);
    }
  });

  test("is kept where a browser that came by another name is sent to", async () => {
    const site = await startSite({ baseUrl });
    const answer = await site.ask("/tokens/oauth/install/slack", { headers: { host: "inner" } });
    expect(answer.headers.location).toBe("https://apps.example/tokens/oauth/install/slack?at_base_url=1");
  });

  test("of empty parts leads to no other host", async () => {
    const site = await startSite({ baseUrl: new URL("https://apps.example//evil.example") });
    const answer = await site.ask("/oauth/install/slack", { headers: { host: "inner" } });
    expect(new URL(answer.headers.location ?? "").host).toBe("apps.example");
  });
});
