import { describe, expect, test } from "vitest";
import { type Browser, createBrowser } from "../../rig/browser.ts";
import { at, callBack, walkToCallback } from "./support/flow.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ replicas: 2 });
const platforms = ["github", "github-oauth", "jira", "slack"];

function walk(platform: string, browser = createBrowser(), query = "") {
  return walkToCallback(shared.service.replicas[0]!, platform, browser, query);
}

async function stored(): Promise<number> {
  const [row] = await shared.sql`select count(*)::int as installations from installations`;
  return row?.installations;
}

function jarOf({ cookies }: Browser): Map<string, string> {
  return cookies as Map<string, string>;
}

/** Another window of the same browser, with the cookies it has now. */
function copyOf(browser: Browser): Browser {
  const copy = createBrowser();
  for (const [name, value] of browser.cookies) jarOf(copy).set(name, value);
  return copy;
}

function exchanges(): number {
  const { github, atlassian, slack } = shared.service.sandbox;
  return [github, atlassian, slack].reduce((sum, { controls }) => sum + controls.tokenCalls, 0);
}

test.each(platforms)("50 identical callbacks of %s over two replicas exchange one code, once", async (platform) => {
  const browser = createBrowser();
  const callback = await walk(platform, browser);
  const before = exchanges();
  const { replicas } = shared.service;
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => callBack(browser, at(replicas[n % replicas.length]!, callback))),
  );
  expect(answers.filter(({ success }) => success)).toHaveLength(1);
  const refused = answers.filter(({ success }) => !success);
  expect(refused.map(({ status, error }) => `${status} ${error?.code}`)).toEqual(
    new Array(49).fill("400 state_already_used"),
  );
  expect(exchanges() - before).toBe(1);
  expect(await stored()).toBe(platform === "jira" ? 2 : 1);
});

describe("a state makes no call to the platform and stores nothing", () => {
  test.each(platforms)("of %s in another browser, and its own can still finish", async (platform) => {
    const browser = createBrowser();
    const callback = await walk(platform, browser);
    const other = createBrowser();
    await walk(platform, other);
    // Knows the name of the cookie, which anyone with the state can tell, and makes its value up.
    const forger = copyOf(browser);
    for (const name of forger.cookies.keys()) jarOf(forger).set(name, Buffer.alloc(32, 7).toString("base64url"));
    const before = shared.platformCalls();
    for (const stranger of [createBrowser(), other, forger]) {
      const answer = await callBack(stranger, callback);
      expect(answer).toMatchObject({ status: 400, success: false, error: { code: "state_other_browser" } });
    }
    expect([shared.platformCalls() - before, await stored()]).toEqual([0, 0]);
    expect(await callBack(browser, callback)).toMatchObject({ status: 200, success: true });
  });

  test.each([
    ["github", "slack"],
    ["slack", "jira"],
    ["jira", "github"],
    ["github-oauth", "github"],
  ])("of %s at the callback of %s, and its own can still finish", async (platform, elsewhere) => {
    const browser = createBrowser();
    const callback = await walk(platform, browser);
    const wrong = new URL(callback);
    wrong.pathname = `/oauth/callback/${elsewhere}`;
    const before = shared.platformCalls();
    const answer = await callBack(browser, wrong);
    expect(answer).toMatchObject({ status: 400, success: false, error: { code: "state_other_platform" } });
    expect([shared.platformCalls() - before, await stored()]).toEqual([0, 0]);
    expect(await callBack(browser, callback)).toMatchObject({ status: 200, success: true });
  });

  test.each(platforms)("of %s a second time, on any replica", async (platform) => {
    const browser = createBrowser();
    const callback = await walk(platform, browser);
    // A second attempt keeps a cookie in the browser, as another tab would.
    await walk(platform, browser);
    const copy = copyOf(browser);
    expect((await callBack(browser, callback)).success).toBe(true);
    const before = shared.platformCalls();
    for (const replica of shared.service.replicas) {
      const answer = await callBack(copy, at(replica, callback));
      expect(answer).toMatchObject({ status: 400, success: false, error: { code: "state_already_used" } });
    }
    expect(shared.platformCalls() - before).toBe(0);
  });

  test.each(platforms)("of %s after ten minutes", async (platform) => {
    const browser = createBrowser();
    const callback = await walk(platform, browser);
    shared.service.clock.advance(600_001);
    const before = shared.platformCalls();
    const answer = await callBack(browser, callback);
    expect(answer).toMatchObject({ status: 400, success: false, error: { code: "state_expired" } });
    expect([shared.platformCalls() - before, await stored()]).toEqual([0, 0]);
  });

  test.each(platforms)("of %s that nobody made", async (platform) => {
    const browser = createBrowser();
    const callback = await walk(platform, browser);
    callback.searchParams.set("state", Buffer.alloc(32, 7).toString("base64url"));
    const before = shared.platformCalls();
    const answer = await callBack(browser, callback);
    expect(answer).toMatchObject({ status: 400, success: false, error: { code: "state_unknown" } });
    expect([shared.platformCalls() - before, await stored()]).toEqual([0, 0]);
  });
});

test("a state is good until the last moment of its ten minutes", async () => {
  const browser = createBrowser();
  const callback = await walk("slack", browser);
  shared.service.clock.advance(590_000);
  expect(await callBack(browser, callback)).toMatchObject({ status: 200, success: true });
});

test("two tabs of one browser finish independently of each other", async () => {
  const browser = createBrowser();
  const [first, second] = [await walk("jira", browser), await walk("slack", browser)];
  expect((await callBack(browser, second)).success).toBe(true);
  expect((await callBack(browser, first)).success).toBe(true);
});

test.each(platforms.filter((platform) => platform !== "github"))(
  "a person who declines at %s is told so, and nothing is stored",
  async (platform) => {
    const { github, atlassian, slack } = shared.service.sandbox;
    for (const { controls } of [github, atlassian, slack]) controls.setDecision("deny");
    const browser = createBrowser();
    const callback = await walk(platform, browser);
    const before = shared.platformCalls();
    expect(await callBack(browser, callback)).toMatchObject({ status: 403, error: { code: "denied" } });
    expect([shared.platformCalls() - before, await stored()]).toEqual([0, 0]);
  },
);

test("a platform that fails during the exchange is reported, and connecting again works", async () => {
  const { controls } = shared.service.sandbox.atlassian;
  const browser = createBrowser();
  const callback = await walk("jira", browser);
  controls.fail({ status: 503, body: "down" });
  expect(await callBack(browser, callback)).toMatchObject({ status: 502, error: { code: "provider_unavailable" } });
  expect(await stored()).toBe(0);
  expect((await shared.service.connect("jira")).success).toBe(true);
});

test("neither code nor state stands on a page, in a header or in a log line", async () => {
  const browser = createBrowser();
  const callback = await walk("jira", browser);
  const told = await browser.get(callback);
  expect(told.status).toBe(303);
  const page = await browser.get(told.headers.get("location") ?? "");
  expect(page.status).toBe(200);
  const { code, state } = Object.fromEntries(callback.searchParams) as { code: string; state: string };
  const headers = JSON.stringify([...told.headers, ...page.headers]);
  const seen = [await page.text(), headers, shared.service.world.lines.join("\n")].join("\n");
  expect([seen.includes(code), seen.includes(state)]).toEqual([false, false]);
  expect([told, page].map((answer) => answer.headers.get("referrer-policy"))).toEqual(["no-referrer", "no-referrer"]);
});
