import { describe, expect, test } from "vitest";
import type { JsonAnswer } from "../../../src/rpc/json/json-calls.ts";
import { liveScript } from "../../../src/web/console/live/live-script.ts";
import { type ConsoleSite, startConsole } from "../support/console.ts";
import type { ConsoleBrowser } from "../support/console-browser.ts";
import { payloads } from "../support/harmless-page.ts";
import { parseStrictHtml } from "../support/strict-html.ts";

type Json = JsonAnswer["body"];

function listed(...installations: Json[]): JsonAnswer {
  return { status: 200, body: { installations, next_page_token: "" }, retryAfterSeconds: undefined };
}

const acme: Json = {
  id: "0195e3a0-0000-7000-8000-000000000001",
  platform: "slack",
  status: "INSTALLATION_STATUS_ACTIVE",
  external_org_id: "T1",
  external_org_name: "Acme",
  owner: "acme",
  last_error: "",
};

async function visit(answer?: JsonAnswer): Promise<{ site: ConsoleSite; browser: ConsoleBrowser }> {
  const site = await startConsole();
  if (answer !== undefined) site.answers.set("ListInstallations", answer);
  const browser = site.browser();
  await browser.signIn(site.addCaller("dashboard", {}));
  site.calls.splice(0);
  return { site, browser };
}

describe("the list", () => {
  test("asks for what the address says, and leads on by the service's own place in the list", async () => {
    const { site, browser } = await visit(listed(acme));
    site.answers.set("ListInstallations", {
      ...listed(acme),
      body: { installations: [acme], next_page_token: "a+b&c" },
    });
    const page = await browser.get("/console?search=ac%20me&platform=slack&status=ACTIVE&owner=acme&page=p1&other=x");
    expect(site.calls[0]?.request).toEqual({
      search: "ac me",
      platform: "slack",
      status: "INSTALLATION_STATUS_ACTIVE",
      owner: "acme",
      page_size: 50,
      page_token: "p1",
    });
    expect(page.text).toContain(
      'href="/console?search=ac+me&amp;platform=slack&amp;status=ACTIVE&amp;owner=acme&amp;page=a%2Bb%26c"',
    );
    expect(page.text).toContain('<option value="slack" selected>Slack</option>');
  });

  test.each(payloads)("shows %j as the text it is, in every field", async (payload) => {
    const { browser } = await visit(
      listed({
        ...acme,
        platform: payload,
        status: payload,
        external_org_name: payload,
        owner: payload,
        last_error: payload,
        webhook: { registered: false, error: payload },
      }),
    );
    const page = await browser.get(`/console?${new URLSearchParams({ owner: payload, search: payload })}`);
    expect(page.status).toBe(200);
    // The one script that there may be is ours, to the letter.
    const [before = "", after = "not there"] = page.text.split(`${liveScript}</script>`);
    expect(before).toMatch(/<script nonce="[\w-]{20,}">$/);
    const { elements, text } = parseStrictHtml(before.slice(0, before.lastIndexOf("<script ")) + after);
    for (const { name, attributes } of elements) {
      expect(["script", "img", "iframe", "base", "object", "style"]).not.toContain(name);
      for (const attribute of attributes.keys()) expect(attribute).not.toMatch(/^(on|src|style)/);
      if (name === "a" || name === "form") {
        expect(attributes.get("href") ?? attributes.get("action")).toMatch(/^(\/console|#main)/);
      }
    }
    for (const unseen of ["\u202e", "\u0000"]) expect(text).not.toContain(unseen);
  });

  test.each([
    [{}, "Does not expire.", { last_refresh_time: -60 }],
    [{}, "Expires in 2 hours. Last refresh 3 minutes ago.", { token_expire_time: 7_230, last_refresh_time: -190 }],
    [{}, "Expired 1 day ago; renewed when it is asked for.", { token_expire_time: -90_000 }],
    [{}, "None yet: obtained when it is first asked for.", {}],
    [
      { last_error: "unavailable" },
      "Expires in 9 minutes. The last try failed (unavailable).",
      { token_expire_time: 599 },
    ],
    [{ last_error: "webhook:silent" }, "Silent for days", {}],
    [{ last_error: "webhook:insufficient_scope" }, "Not delivered (insufficient_scope)", {}],
    [{ webhook: { registered: true } }, "Registered", {}],
    [{ webhook: { registered: false, error: "" } }, "Entered by hand at the platform", {}],
    [{ webhook: { registered: false, error: "forbidden" } }, "Not registered (forbidden)", {}],
    [
      { status: "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED", last_error: "invalid_grant" },
      "Refused by the platform (invalid_grant): a person has to connect it again.",
      { token_expire_time: 60 },
    ],
    [{ status: "INSTALLATION_STATUS_SUSPENDED" }, "needs a person", {}],
    [{ status: "INSTALLATION_STATUS_REVOKED" }, "Deleted.", { token_expire_time: 60 }],
    [{ status: "INSTALLATION_STATUS_PENDING" }, "Kept back until the product completes the connection.", {}],
    [{ status: "INSTALLATION_STATUS_NEW_ONE" }, "NEW_ONE", {}],
  ])("says of %o: %s", async (fields, words, times) => {
    const { site, browser } = await visit();
    const at = (seconds: number) => new Date(site.clock.now().getTime() + seconds * 1000 + 500).toISOString();
    const stamped = Object.fromEntries(Object.entries(times).map(([name, seconds]) => [name, at(seconds)]));
    site.answers.set("ListInstallations", listed({ ...acme, ...fields, ...stamped } as Json));
    expect((await browser.get("/console")).text.replaceAll("&#39;", "'")).toContain(words);
  });

  test("that is empty says why, and what to do", async () => {
    const { site, browser } = await visit(listed());
    expect((await browser.get("/console")).text).toContain("Make the first link");
    expect((await browser.get("/console?owner=nobody")).text).toContain("Nothing matches");
    expect((await browser.get("/console?page=p9")).text).toContain("That was all");
    site.answers.set("ListInstallations", { ...listed(), body: { next_page_token: "further" } });
    const between = (await browser.get("/console?search=a")).text;
    expect(between).toMatch(/Nothing so far[\s\S]*page=further/);
    expect(between).not.toContain("Nothing matches");
  });

  test("that is empty for a limited caller names its limits, and offers what it may", async () => {
    const site = await startConsole();
    site.answers.set("ListInstallations", listed());
    const list = new Set(["ListInstallations"]);
    const limited = site.browser();
    const page = await limited.signIn(site.addCaller("a", { methods: list, owners: new Set(["<acme>", "b"]) }));
    expect(page.text).toContain("it sees what belongs to <bdi>&lt;acme&gt;</bdi>, <bdi>b</bdi>");
    expect(page.text).toContain('<option value="b">b</option>');
    expect(page.text).not.toMatch(/console\/connect|<input id="owner"/);
    const missing = await site.browser().signIn(site.addCaller("s", { methods: list, products: new Set(["sentry"]) }));
    expect(missing.text).toContain("No platform of this caller is configured");
    expect(missing.text).not.toContain("Slack");
  });

  test.each([
    [403, "CALLER_NOT_ALLOWED", "This caller may not do that"],
    [429, "CALLER_RATE_LIMITED", "Try again in 7 s."],
    [400, "INVALID_REQUEST", "That cannot be asked"],
    [503, "SERVICE_UNAVAILABLE", "The service cannot answer now"],
    [500, "", "That did not work"],
  ])("that is refused with %i %s says so", async (status, reason, words) => {
    const body = { error: { code: "X", reason, message: "<b>why</b>", metadata: {} } };
    const { browser } = await visit({ status, body, retryAfterSeconds: status === 429 ? 7 : undefined });
    const page = await browser.get("/console?owner=x");
    expect([page.status, page.text.includes(words), page.text.includes("&lt;b&gt;why")]).toEqual([status, true, true]);
  });
});
