import { describe, expect, test } from "vitest";
import { anonymous } from "../../../src/domain/access/caller.ts";
import { startConsole } from "../support/console.ts";
import { hiddenFields } from "../support/console-browser.ts";

const made = {
  status: 200,
  body: { url: "https://t.example/oauth/install/slack?link=a&b", expire_time: "2026-03-01T12:10:00Z" },
  retryAfterSeconds: undefined,
};

describe("connecting", () => {
  test("for an owner completes in the callback; for nobody it is an ordinary link", async () => {
    const site = await startConsole();
    site.answers.set("CreateInstallLink", made);
    const browser = site.browser();
    await browser.signIn(site.addCaller("dashboard", {}));
    const page = await browser.get("/console/connect");
    const token = hiddenFields(page.text, "/console/connect").token!;
    const link = await browser.post("/console/connect", { token, platform: "slack", owner: " acme " });
    expect(link.text).toContain(
      'href="https://t.example/oauth/install/slack?link=a&amp;b" target="_blank" rel="noopener noreferrer"',
    );
    expect(link.text).toContain("belongs to <b><bdi>acme</bdi></b>");
    await browser.post("/console/connect", { token, platform: "slack", owner: "" });
    expect(site.calls.filter(({ method }) => method === "CreateInstallLink").map(({ request }) => request)).toEqual([
      { platform: "slack", owner: "acme", complete_in_callback: true },
      { platform: "slack" },
    ]);
  });

  test.each([
    ["all owners", {}, /<input id="owner-slack"/],
    [
      "its owners",
      { owners: new Set(["acme", "b&b"]) },
      /<select id="owner-slack" name="owner"><option>acme<\/option><option>b&amp;b<\/option><\/select>/,
    ],
    ["nobody, where it does not vouch", { completeInCallback: false }, /It will belong to nobody/],
  ])("offers a caller %s", async (_what, rule, offer) => {
    const site = await startConsole();
    const browser = site.browser();
    await browser.signIn(site.addCaller("dashboard", rule));
    const { text } = await browser.get("/console/connect");
    expect(text).toMatch(offer);
    expect(text).not.toContain('value="sentry"');
  });

  test.each([
    ["owners for whom it does not vouch", { owners: new Set(["acme"]), completeInCallback: false }],
    ["platforms that are not configured", { products: new Set(["sentry"]) }],
  ])("offers nothing to a caller of %s", async (_what, rule) => {
    const site = await startConsole();
    const browser = site.browser();
    await browser.signIn(site.addCaller("dashboard", rule));
    const { text } = await browser.get("/console/connect");
    expect(text).toContain("There is nothing that this caller can connect from here");
    expect(text).not.toContain('action="/console/connect"');
  });
});

describe("without callers", () => {
  test("nobody signs in, and forms count for their own browser alone", async () => {
    const site = await startConsole({ signsIn: false, authenticate: () => anonymous });
    site.answers.set("CreateInstallLink", made);
    const browser = site.browser();
    const page = await browser.get("/console/connect");
    expect([page.status, page.text.includes("Sign out")]).toEqual([200, false]);
    const fields = { ...hiddenFields(page.text, "/console/connect"), platform: "slack", owner: "" };
    const strangers = hiddenFields((await site.browser().get("/console/connect")).text, "/console/connect").token!;
    const foreign = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    expect((await browser.post("/console/connect", fields, foreign)).status).toBe(403);
    expect((await browser.post("/console/connect", fields, { "sec-fetch-site": "same-site" })).status).toBe(403);
    expect((await browser.post("/console/connect", { ...fields, token: strangers })).status).toBe(403);
    expect((await browser.post("/console/connect", { platform: "slack" })).status).toBe(403);
    expect((await site.browser().post("/console/connect", fields)).status).toBe(403);
    expect(site.calls).toEqual([]);
    expect((await browser.post("/console/connect", fields)).status).toBe(200);
    expect(site.calls).toMatchObject([{ method: "CreateInstallLink", context: { authorization: undefined } }]);
    expect((await browser.get("/console/sign-in")).status).toBe(404);
  });

  test("a page that another site leads to takes no other form's place", async () => {
    const site = await startConsole({ signsIn: false, authenticate: () => anonymous });
    const browser = site.browser();
    const page = await browser.get("/console/connect");
    const before = new Map(browser.cookies);
    // As a browser does that keeps a strict cookie back.
    browser.cookies.clear();
    const led = await browser.get("/console", { "sec-fetch-site": "cross-site" });
    expect(led.setCookies).toEqual([]);
    for (const [name, value] of before) browser.cookies.set(name, value);
    expect((await browser.send(page, "/console/connect", { owner: "" })).status).toBe(200);
  });
});

test("platforms: what is configured, and what the others lack, one of several where one is enough", async () => {
  const site = await startConsole();
  const browser = site.browser();
  await browser.signIn(site.addCaller("dashboard", { products: new Set(["slack", "github-oauth"]) }));
  const { text } = await browser.get("/console/platforms");
  expect(text).toContain("Missing: <code>GITHUB_OAUTH_CLIENT_ID</code>, <code>ONE</code> or <code>OTHER</code>");
  expect(text).toContain("GitHub (github-oauth)");
  expect(text).not.toContain("SENTRY");
});
