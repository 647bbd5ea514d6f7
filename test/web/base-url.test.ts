import { describe, expect, test } from "vitest";
import { createBrowser } from "../support/browser.ts";
import { startSite } from "./support/site.ts";

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
