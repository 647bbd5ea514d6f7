import { describe, expect, test } from "vitest";
import { startConsole } from "../support/console.ts";
import { hiddenFields } from "../support/console-browser.ts";

const foreign: readonly [string, Record<string, string>][] = [
  ["another site", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }],
  ["another port of this host", { "sec-fetch-site": "same-site", origin: "http://localhost:3000" }],
  ["a sandboxed frame", { "sec-fetch-site": "cross-site", origin: "null" }],
  ["another site, said by its origin alone", { "sec-fetch-site": "", origin: "https://evil.example" }],
  ["another port, said by its origin alone", { "sec-fetch-site": "", origin: "http://localhost:1" }],
];

describe("a form", () => {
  test.each(foreign)("from %s does nothing, whatever it carries", async (_where, headers) => {
    const site = await startConsole();
    const browser = site.browser();
    const key = site.addCaller("dashboard", {});
    const page = await browser.signIn(key);
    const refused = await browser.send(page, "/console/sign-out", {}, headers);
    expect([refused.status, refused.text.includes("Not from a page of the console")]).toEqual([403, true]);
    expect((await browser.get("/console")).status).toBe(200);
  });

  test("from another site does not sign anybody in", async () => {
    const site = await startConsole();
    const key = site.addCaller("attacker", {});
    const browser = site.browser();
    const page = await browser.get("/console");
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await browser.send(page, "/console/sign-in", { key }, headers)).status).toBe(403);
    // Nor with a token that the attacker was shown.
    const theirs = hiddenFields((await site.browser().get("/console")).text, "/console/sign-in");
    expect((await browser.post("/console/sign-in", { ...theirs, key })).status).toBe(403);
    expect((await browser.get("/console")).status).toBe(401);
  });

  test.each([
    ["says that it is from here, and hides its origin", { origin: "null" }],
    ["says its origin alone", { "sec-fetch-site": "" }],
    ["reached us by a proxy that speaks TLS for us", { "sec-fetch-site": "", origin: "https://localhost:{port}" }],
    ["says nothing, as programs do, and has its token", { "sec-fetch-site": "", origin: "" }],
    ["hides its origin, in an old browser, and has its token", { "sec-fetch-site": "", origin: "null" }],
  ])("that %s is taken", async (_what, given) => {
    const site = await startConsole();
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.replace("{port}", String(site.port))]),
    );
    const browser = site.browser();
    const page = await browser.signIn(site.addCaller("dashboard", {}));
    expect((await browser.send(page, "/console/sign-out", {}, headers)).status).toBe(303);
  });

  test("without the token of its session does nothing", async () => {
    const site = await startConsole();
    const key = site.addCaller("dashboard", {});
    const browser = site.browser();
    const page = await browser.signIn(key);
    const { token = "" } = hiddenFields(page.text, "/console/sign-out");
    const others = hiddenFields((await site.browser().signIn(key)).text, "/console/sign-out").token!;
    const [, cookie = ""] = [...browser.cookies][0]!;
    for (const wrong of ["", "x", `${token}A`, token.slice(0, -1), others, cookie]) {
      expect([wrong, (await browser.post("/console/sign-out", { token: wrong })).status]).toEqual([wrong, 403]);
    }
    expect((await browser.post("/console/sign-out", {})).status).toBe(403);
    expect((await browser.get("/console")).status).toBe(200);
    expect((await browser.post("/console/sign-out", { token })).status).toBe(303);
  });

  test("whose session has ended says so, and asks to sign in", async () => {
    const site = await startConsole();
    const browser = site.browser();
    const page = await browser.signIn(site.addCaller("dashboard", {}));
    site.clock.advance(2 * 3_600_000);
    expect((await browser.send(page, "/console/sign-out")).status).toBe(403);
  });

  test.each([
    ["is no form", { "content-type": "application/json" }, "{}", 400],
    ["has a field twice", {}, "token=a&token=b", 400],
    ["is too large", {}, `token=${"a".repeat(20_000)}`, 413],
  ])("that %s is refused", async (_what, headers, body, status) => {
    const site = await startConsole();
    const refused = await site.browser().raw("/console/sign-in", body, headers);
    expect(refused.status).toBe(status);
  });

  test.each([
    ["GET", "/console/sign-out"],
    ["DELETE", "/console"],
    ["PUT", "/console/sign-in"],
  ])("is no %s of %s", async (method, path) => {
    const site = await startConsole();
    const browser = site.browser();
    await browser.signIn(site.addCaller("dashboard", {}));
    const answer = await browser.request(path, method);
    expect([answer.status, answer.headers.allow]).toEqual([405, expect.any(String)]);
  });
});
