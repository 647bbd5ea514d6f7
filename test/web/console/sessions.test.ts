import { describe, expect, test } from "vitest";
import { startConsole } from "../support/console.ts";
import { hiddenFields } from "../support/console-browser.ts";

const hour = 3_600_000;

describe("signing in", () => {
  test("takes the key of a caller, shows who that is, and asks every RPC with its evidence", async () => {
    const site = await startConsole();
    const key = site.addCaller("dash<b>oard", {});
    const browser = site.browser();
    const asked = await browser.get("/console?platform=slack");
    expect([asked.status, asked.text.includes('type="password"'), site.calls]).toEqual([401, true, []]);
    const signedIn = await browser.send(asked, "/console/sign-in", { key });
    expect([signedIn.status, signedIn.headers.location]).toEqual([303, "/console?platform=slack"]);
    const [cookie] = signedIn.setCookies;
    expect(cookie).toMatch(/^ots-console-\d+=[\w-]+; Max-Age=28800; Path=\/console; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(key);
    const page = await browser.get("/console?platform=slack", { "sec-fetch-site": "same-origin" });
    expect(page.status).toBe(200);
    expect(page.text).toContain("Signed in as <bdi>dash&lt;b&gt;oard</bdi>");
    expect(site.calls).toMatchObject([
      { request: { platform: "slack" }, context: { authorization: `Bearer ${key}`, address: "127.0.0.1" } },
    ]);
  });

  test("over TLS the cookie is locked to the host", async () => {
    const site = await startConsole({ https: true });
    const [cookie] = (await site.browser().get("/console")).setCookies;
    expect(cookie).toMatch(
      /^__Host-ots-console-\d+=[\w-]+; Max-Age=28800; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    );
  });

  test("begins a session of its own: what an attacker had the browser use before is nobody's", async () => {
    const site = await startConsole();
    const key = site.addCaller("dashboard", {});
    const browser = site.browser();
    const page = await browser.get("/console");
    const before = new Map(browser.cookies);
    const planted = hiddenFields(page.text, "/console/sign-in").token!;
    await browser.signIn(key);
    expect([...browser.cookies]).not.toEqual([...before]);
    expect((await browser.post("/console/sign-out", { token: planted })).status).toBe(403);
    browser.cookies.clear();
    for (const [name, value] of before) browser.cookies.set(name, value);
    expect((await browser.get("/console")).status).toBe(401);
  });

  test.each([
    ["a key of nobody", "ots_AAAAAAAA_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_AAAAAA"],
    ["no key", "hunter2"],
    ["nothing", ""],
    ["a whole header", "ots_x\r\nx: y"],
  ])("with %s is refused, on record, and the key is in no page", async (_what, key) => {
    const site = await startConsole();
    const browser = site.browser();
    const refused = await browser.send(await browser.get("/console"), "/console/sign-in", { key });
    expect(refused.status).toBe(401);
    expect(refused.text).toContain("No caller of this service has that key");
    if (key !== "") expect(refused.text).not.toContain(key);
    expect(site.noted).toMatchObject([
      { kind: "call.refused", method: "ConsoleSignIn", caller: "unauthenticated", address: "127.0.0.1" },
    ]);
    expect(site.calls).toEqual([]);
  });

  test("wrong keys are counted by address, right ones are not", async () => {
    const site = await startConsole();
    const key = site.addCaller("dashboard", {});
    const browser = site.browser();
    const page = await browser.get("/console");
    for (let i = 0; i < 30; i++) await site.browser().signIn(key);
    for (let i = 0; i < 20; i++) {
      expect((await browser.send(page, "/console/sign-in", { key: "ots_wrong" })).status).toBe(401);
    }
    expect((await browser.send(page, "/console/sign-in", { key: "ots_wrong" })).status).toBe(429);
    expect((await browser.send(page, "/console/sign-in", { key })).status).toBe(429);
  });

  test.each([
    "https://evil.example/console",
    "//evil.example/console",
    "/\\evil.example/console",
    "/\t/evil.example",
    "/console/..//evil.example",
    "/console/%2e%2e//evil.example",
    "javascript:alert(1)//console",
    "/consolex",
    "/metrics",
    "/console/sign-out",
    "",
  ])("leads to the first page, where it was asked to lead to %j", async (to) => {
    const site = await startConsole();
    const key = site.addCaller("dashboard", {});
    const browser = site.browser();
    const signedIn = await browser.send(await browser.get("/console"), "/console/sign-in", { key, to });
    expect([signedIn.status, signedIn.headers.location]).toEqual([303, "/console"]);
  });
});

describe("a session", () => {
  test("ends when the key does not count any more, whatever name the next one has", async () => {
    const site = await startConsole();
    const key = site.addCaller("dashboard", {});
    const browser = site.browser();
    expect((await browser.signIn(key)).status).toBe(200);
    site.callers.delete(key);
    site.addCaller("dashboard", {});
    const page = await browser.get("/console");
    expect([page.status, page.text.includes("You are signed out")]).toEqual([401, true]);
    expect(site.calls).toHaveLength(1);
  });

  test("ends after an hour without its person, and after eight with them", async () => {
    const site = await startConsole();
    const key = site.addCaller("dashboard", {});
    const idle = site.browser();
    const busy = site.browser();
    await idle.signIn(key);
    await busy.signIn(key);
    for (let hours = 0; hours < 8; hours += 0.5) {
      expect([hours, (await busy.get("/console")).status]).toEqual([hours, 200]);
      if (hours === 0.5) expect((await idle.get("/console")).status).toBe(200);
      if (hours === 1.5) expect((await idle.get("/console")).status).toBe(401);
      site.clock.advance(hour / 2);
    }
    expect((await busy.get("/console")).status).toBe(401);
  });

  test("ends by signing out, and the page that follows asks for a key", async () => {
    const site = await startConsole();
    const browser = site.browser();
    const page = await browser.signIn(site.addCaller("dashboard", {}));
    const out = await browser.send(page, "/console/sign-out");
    expect([out.status, out.headers.location, out.headers["clear-site-data"]]).toEqual([303, "/console", '"cache"']);
    expect((await browser.get("/console")).status).toBe(401);
  });

  test("is not brought back by an answer that was on its way while its person signed out", async () => {
    const site = await startConsole();
    const browser = site.browser();
    const page = await browser.signIn(site.addCaller("dashboard", {}));
    site.clock.advance(hour / 2);
    const inAnotherTab = site.browser();
    for (const [name, value] of browser.cookies) inAnotherTab.cookies.set(name, value);
    const late = await inAnotherTab.get("/console");
    expect([late.status, late.setCookies.length]).toEqual([200, 1]);
    expect((await browser.send(page, "/console/sign-out")).status).toBe(303);
    for (const [name, value] of inAnotherTab.cookies) {
      if (late.setCookies.some((line) => line.startsWith(`${name}=`))) browser.cookies.set(name, value);
    }
    expect(browser.cookies.size).toBe(1);
    expect((await browser.get("/console")).status).toBe(401);
  });

  test("that many tabs ask for at once lets whoever is not in yet try again", async () => {
    const site = await startConsole();
    const key = site.addCaller("dashboard", {});
    const browser = site.browser();
    const first = await browser.get("/console?owner=acme");
    browser.cookies.clear();
    await browser.get("/console");
    const stale = await browser.send(first, "/console/sign-in", { key });
    expect([stale.status, stale.text.includes("Another tab")]).toEqual([403, true]);
    const signedIn = await browser.send(stale, "/console/sign-in", { key });
    expect([signedIn.status, signedIn.headers.location]).toEqual([303, "/console?owner=acme"]);
  });

  test("is nothing else that is sealed here: no form's token, and no note that somebody was here", async () => {
    const site = await startConsole();
    const browser = site.browser();
    const page = await browser.signIn(site.addCaller("dashboard", {}));
    const { token = "" } = hiddenFields(page.text, "/console/sign-out");
    site.clock.advance(hour / 2);
    await browser.get("/console");
    const [name = "", seen = ""] = [...browser.cookies.keys()];
    for (const other of [token, browser.cookies.get(seen) ?? ""]) {
      const thief = site.browser();
      thief.cookies.set(name, other);
      expect((await thief.get("/console")).status).toBe(401);
    }
  });

  test("is none of a service with other keys, on another port of the same host", async () => {
    const [one, other] = [await startConsole(), await startConsole()];
    const browser = one.browser();
    await browser.signIn(one.addCaller("dashboard", {}));
    const elsewhere = other.browser();
    for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value);
    const page = await elsewhere.get("/console");
    expect(page.status).toBe(401);
    expect(elsewhere.cookies.size).toBe(2);
    for (const [name, value] of elsewhere.cookies) browser.cookies.set(name, value);
    expect((await browser.get("/console")).status).toBe(200);
  });

  test.each(["cross-site", "same-site"])(
    "is there when a %s page leads here: its cookie comes with the second request",
    async (site) => {
      const service = await startConsole();
      const browser = service.browser();
      await browser.signIn(service.addCaller("dashboard", {}));
      const kept = new Map(browser.cookies);
      browser.cookies.clear();
      const led = await browser.get("/console?owner=a%26b", { "sec-fetch-site": site });
      expect([led.status, led.headers.refresh, led.setCookies]).toEqual([200, "0;url=/console?owner=a%26b", []]);
      for (const [name, value] of kept) browser.cookies.set(name, value);
      expect((await browser.get("/console?owner=a%26b", { "sec-fetch-site": "same-origin" })).status).toBe(200);
    },
  );
});

test("a caller that may list nothing is shown nothing, and asks nothing", async () => {
  const site = await startConsole();
  const page = await site
    .browser()
    .signIn(site.addCaller("indexer", { methods: new Set(["GetToken"]) }))
    .catch((e) => e);
  expect([page.status, page.text.includes("Nothing for this caller"), site.calls]).toEqual([403, true, []]);
});

test("every page has the headers of a page, and nothing of it may be kept", async () => {
  const site = await startConsole();
  const browser = site.browser();
  await browser.signIn(site.addCaller("dashboard", {}));
  for (const path of ["/console", "/console/nowhere", "/console/%"]) {
    const { headers } = await browser.get(path);
    expect([path, headers["cache-control"], headers["x-frame-options"]]).toEqual([path, "no-store", "DENY"]);
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; .*form-action 'self'; frame-ancestors 'none'$/,
    );
  }
});
