import { describe, expect, test } from "vitest";
import { startConsole } from "../support/console.ts";

const own = { "sec-fetch-site": "same-origin" };
const address = "/console/changes?from=place-1";
const synced = { change: "CHANGE_SYNCED", resume_token: "place-1" };
const hour = 3_600_000;

const refused = (reason: string) => ({
  ...{ status: 401, retryAfterSeconds: undefined },
  body: { error: { reason, message: "no" } },
});

async function open(...rules: readonly object[]) {
  const site = await startConsole();
  const browser = site.browser();
  await browser.signIn(site.addCaller("dashboard", ...(rules.length === 0 ? [{}] : rules)));
  return { site, browser };
}

describe("what changes", () => {
  test("is told by id, from a place on, and says where to go on", async () => {
    const { site, browser } = await open();
    const changed = (change: string, place: string) => ({ change, resume_token: place, installation: { id: "i-7" } });
    site.stream.messages = [changed("CHANGE_UPDATED", "place-2"), changed("CHANGE_ENDED", "place-3"), synced];
    const told = await browser.get(address, own);
    expect([told.status, told.headers["content-type"], told.headers["x-accel-buffering"]]).toEqual([
      ...[200, "text/event-stream", "no"],
    ]);
    expect(told.text.split("\n\n")).toEqual([
      "retry: 1000",
      "event: change\nid: place-2\ndata: i-7",
      "event: change\nid: place-3\ndata: i-7",
      "event: synced\nid: place-1\ndata: ",
      "",
    ]);
    expect(site.watches.at(-1)?.request).toEqual({ resume_token: "place-1" });
    // As browsers ask that were cut off.
    await browser.get(address, { ...own, "last-event-id": "place-3" });
    expect(site.watches.at(-1)?.request).toEqual({ resume_token: "place-3" });
  });

  test("is not followed from a place that nothing follows from: the page is read anew, and not everything there is", async () => {
    const { site, browser } = await open();
    const present = { change: "CHANGE_PRESENT", installation: { id: "i" } };
    site.stream.messages = [present, present, present];
    expect((await browser.get(address, own)).text).toBe("retry: 1000\n\nevent: reload\ndata: i\n\n");
    expect((await browser.get("/console/changes", own)).status).toBe(400);
  });

  test.each(["CALLER_UNAUTHENTICATED", "CALLER_NOT_ALLOWED"])("ends with a sign-out for %s", async (reason) => {
    const { site, browser } = await open();
    site.stream.messages = [synced];
    site.stream.end = refused(reason);
    expect((await browser.get(address, own)).text).toContain("event: signed-out\n");
    site.stream.end = refused("SERVICE_UNAVAILABLE");
    expect((await browser.get(address, own)).text).not.toContain("signed-out");
  });

  test("ends with its session", async () => {
    const { site, browser } = await open();
    site.stream.messages = [synced, synced];
    // Without a click for an hour, as the second is said.
    site.stream.before = () => site.clock.advance(hour / 2);
    expect((await browser.get(address, own)).text.match(/event: .*/g)).toEqual(["event: synced", "event: signed-out"]);
  });

  test("is refused by a plain status, which no browser follows anywhere", async () => {
    const { site, browser } = await open();
    expect((await browser.get(address, { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await site.browser().get(address, own)).status).toBe(401);
    site.stream.end = refused("CALLER_RATE_LIMITED");
    expect((await browser.get(address, own)).status).toBe(401);
    expect((await browser.get(address, own)).text).toBe("");
    // Which would be answered when the stream ends.
    expect((await browser.request(address, "HEAD")).status).toBe(405);
  });
});

describe("a page that follows what changes", () => {
  test("knows its place from before it was read", async () => {
    const { site, browser } = await open();
    site.stream.messages = [{ ...synced, resume_token: 'place"<1>' }];
    site.calls.length = 0;
    const page = await browser.get("/console", own);
    expect(page.text).toContain('data-from="place&quot;&lt;1&gt;"');
    expect(site.watches.at(-1)?.request).toEqual({ changes_only: true });
    const policy = String(page.headers["content-security-policy"]);
    const nonce = /script-src 'nonce-([\w-]{22})'/.exec(policy)?.[1];
    expect(page.text).toContain(`<script nonce="${nonce}">`);
    expect(policy).toContain("connect-src 'self'");
    expect((await browser.get("/console", own)).text).not.toContain(`${nonce}`);
  });

  test("asks for itself again without another stream, unless it has lost its place", async () => {
    const { site, browser } = await open();
    site.stream.messages = [synced];
    const asked = async (why: string) => {
      site.watches.length = 0;
      const page = await browser.get("/console", { ...own, "x-console-by-itself": why });
      return [page.status, site.watches.length, page.text.includes("data-from")];
    };
    expect(await asked("followed")).toEqual([200, 0, false]);
    expect(await asked("lost")).toEqual([200, 1, true]);
  });

  test("that is signed out meanwhile hears so by itself, and its person with the page that is loaded then", async () => {
    const { site, browser } = await open();
    site.callers.clear();
    const told = await browser.get("/console", { ...own, "x-console-by-itself": "lost" });
    expect([told.status, told.setCookies]).toEqual([401, []]);
    expect((await browser.get("/console", own)).text).toContain("You are signed out");
  });

  test("follows nothing where it is refused", async () => {
    const { site, browser } = await open();
    site.stream.messages = [synced];
    site.answers.set("ListInstallations", { ...refused("INVALID_REQUEST"), status: 400 });
    const page = await browser.get("/console?page=x", own);
    expect([page.status, page.text.includes("data-from")]).toEqual([400, false]);
  });

  test.each([
    ["may not watch", { methods: new Set(["ListInstallations"]) }],
    ["may, and is refused for now", {}],
  ])("is shown as it is to a caller that %s", async (_what, rule) => {
    const { site, browser } = await open(rule);
    site.stream.end = refused("CALLER_RATE_LIMITED");
    const page = await browser.get("/console", own);
    expect([page.status, page.text.includes("data-from")]).toEqual([200, false]);
    expect(String(page.headers["content-security-policy"])).not.toContain("connect-src");
  });

  test("that asks for itself does not keep its session alive", async () => {
    const { site, browser } = await open();
    const byItself = { ...own, "x-console-by-itself": "1" };
    for (let minute = 10; minute < 60; minute += 10) {
      site.clock.advance(600_000);
      const page = await browser.get("/console", byItself);
      expect([minute, page.status, page.setCookies]).toEqual([minute, 200, []]);
    }
    site.clock.advance(600_000);
    expect((await browser.get("/console", byItself)).status).toBe(401);
  });
});
