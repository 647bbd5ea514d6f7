import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { poll, type StartedCode, startCode } from "../end-to-end/support/link-codes.ts";
import { type Replica, startService, type TestService } from "../support/service.ts";
import { decide, heading, launchChromium, type Watch, watchPages } from "./chromium.ts";

let browser: Browser;
let service: TestService;
let context: BrowserContext;
let watch: Watch;

beforeAll(async () => {
  browser = await launchChromium();
  // As on a public address, where nobody can begin an install by an address alone.
  service = await startService({ sandbox: { autoApprove: false }, env: { INSTALL_MODE: "link" } });
});
afterAll(async () => {
  await browser?.close();
  await service?.close();
});
beforeEach(async () => {
  context = await browser.newContext();
  watch = watchPages(context);
});
afterEach(async () => {
  expect(watch.complaints).toEqual([]);
  await context.close();
});

const replica = (): Replica => {
  const [first] = service.replicas;
  if (first === undefined) throw new Error("there is no replica");
  return first;
};

/** The page of a started code, as the program's printed address shows it. */
async function open(started: StartedCode, inContext = context): Promise<Page> {
  const page = await inContext.newPage();
  await page.goto(started.verification_url_complete);
  return page;
}

const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).click();

describe("a person with a link code", () => {
  test.each([
    { platform: "github", label: "GitHub", choice: "globex" },
    { platform: "github-oauth", label: "GitHub" },
    { platform: "jira", label: "Jira" },
    { platform: "confluence", label: "Confluence" },
    { platform: "slack", label: "Slack" },
    { platform: "sentry", label: "Sentry", choice: "Globex" },
  ])("connects $platform for the program that asked", async ({ platform, label, choice }) => {
    const started = await startCode(replica(), { platform, client_name: "ci on build-7" });
    const page = await open(started);
    expect(await heading(page)).toBe("Connect a program");
    await press(page, "Continue");
    expect(await heading(page)).toBe(`Did you start this, to use ${label}?`);
    await press(page, `Yes, continue to ${label}`);
    // The sandbox's page: browsers let a form lead there only by way of a page.
    await page.waitForURL((url) => url.origin !== new URL(replica().publicUrl).origin);
    await decide(page, "Approve", choice);
    await page.waitForURL(/\/oauth\/result\//);
    expect(await heading(page)).toMatch(/ is connected$/);
    expect(await page.getByRole("main").textContent()).toContain("go on in the program that asked");
    const { status, body } = await poll(replica(), started);
    expect([status, body]).toEqual([200, expect.objectContaining({ account_secret: expect.any(String) })]);
  });

  test("gets through by keyboard alone, without a script, in the dark, on a small screen", async () => {
    const plain = await browser.newContext({
      javaScriptEnabled: false,
      colorScheme: "dark",
      viewport: { width: 390, height: 700 },
    });
    const started = await startCode(replica(), { platform: "slack", client_name: "x".repeat(64) });
    const page = await plain.newPage();
    const sticksOut = async () => {
      const box = await page.getByRole("main").boundingBox();
      for (const part of await page.locator("main *").all()) {
        const inner = await part.boundingBox();
        if (inner !== null && inner.x + inner.width > (box?.x ?? 0) + (box?.width ?? 0)) return part.textContent();
      }
      return undefined;
    };
    await page.goto(started.verification_url);
    await page.keyboard.press("Tab");
    await page.keyboard.type(started.link_code.replace(/^(...)(....)/, "$1-$2 "));
    expect(await sticksOut()).toBeUndefined();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Did you start this" }).waitFor();
    expect(await sticksOut()).toBeUndefined();
    await page.keyboard.press("Tab");
    const focused = page.locator("button:focus-visible");
    expect(await focused.textContent()).toBe("Yes, continue to Slack");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${service.sandbox.slack.url}/**`);
    expect((await poll(replica(), started)).status).toBe(202);
    await plain.close();
  });

  test("is shown the same two colours as on every page, and buttons that are large enough to hit", async () => {
    const page = await open(await startCode(replica(), { platform: "slack" }));
    await press(page, "Continue");
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    await page.emulateMedia({ colorScheme: "light" });
    const light = await ground();
    await page.emulateMedia({ colorScheme: "dark" });
    expect([light, await ground()]).toEqual(["rgb(244, 245, 247)", "rgb(18, 22, 28)"]);
    for (const button of await page.getByRole("button").all()) {
      expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(24);
    }
  });

  test("says no: here, and at the platform", async () => {
    const here = await startCode(replica(), { platform: "jira" });
    const page = await open(here);
    await press(page, "Continue");
    await press(page, "No, refuse it");
    expect(await heading(page)).toBe("Refused, as you said");
    expect((await poll(replica(), here)).status).toBe(403);

    const there = await startCode(replica(), { platform: "jira" });
    const second = await open(there);
    await press(second, "Continue");
    await press(second, /^Yes/);
    await second.waitForURL(`${service.sandbox.atlassian.url}/**`);
    await decide(second, "Deny");
    await second.waitForURL(/\/oauth\/result\//);
    expect(await heading(second)).toBe("The connection was not approved");
    expect(await second.getByRole("link").count(), "nothing leads on").toBe(0);
    expect(await poll(replica(), there)).toMatchObject({ status: 403, body: { error: "access_denied" } });
  });

  test("is told what is wrong with a code, and tries another in the same place", async () => {
    const started = await startCode(replica(), { platform: "slack" });
    const page = await context.newPage();
    await page.goto(started.verification_url);
    await page.getByLabel("Code").fill("000-0000-0000");
    await press(page, "Continue");
    expect(await heading(page)).toBe("This code is not known");
    await page.getByLabel("Code").fill(started.link_code);
    await press(page, "Continue");
    expect(await heading(page)).toBe("Did you start this, to use Slack?");
    service.clock.advance(600_001);
    await press(page, /^Yes/);
    expect(await heading(page)).toBe("This code is no longer good");
    expect((await poll(replica(), started)).status).toBe(410);
  });

  test("has two codes in two tabs, and goes back and on again", async () => {
    const [one, other] = [
      await startCode(replica(), { platform: "slack" }),
      await startCode(replica(), { platform: "jira" }),
    ];
    const [first, second] = [await open(one), await open(other)];
    await press(second, "Continue");
    await press(first, "Continue");
    expect([await heading(first), await heading(second)]).toEqual([
      "Did you start this, to use Slack?",
      "Did you start this, to use Jira?",
    ]);
    await press(first, /^Yes/);
    await first.waitForURL(`${service.sandbox.slack.url}/**`);
    await first.goto(one.verification_url_complete);
    await press(first, "Continue");
    await press(first, /^Yes/);
    await first.waitForURL(`${service.sandbox.slack.url}/**`);
    expect(await first.evaluate("document.referrer")).toBe("");
    await decide(first, "Approve");
    await first.waitForURL(/\/oauth\/result\//);
    expect(await heading(first)).toBe("Slack is connected");
  });
});

test.each([
  `<script>window.ran = 1</script>`,
  `"><img src=x onerror="window.ran=1">`,
  `</title></style><svg onload=window.ran=1>`,
  `<a href="javascript:window.ran=1">GitHub (verified)</a>`,
])("what a program calls itself is text, and runs nothing: %s", async (name) => {
  const started = await startCode(replica(), { platform: "github", client_name: name });
  const page = await open(started);
  await press(page, "Continue");
  expect(await page.getByRole("main").textContent()).toContain(name);
  expect(await page.evaluate("window.ran")).toBeUndefined();
  expect(await page.locator("main a, main img, script").count()).toBe(0);
});

test("another site cannot say yes for a person", async () => {
  const started = await startCode(replica(), { platform: "slack" });
  const page = await open(started);
  const own = new URL(started.verification_url);
  // The same form from another site, in the browser that has the cookie.
  const other = createServer((_request, response) => {
    response.setHeader("content-type", "text/html").end(`
      <form method="post" action="${own.href}">
        <input name="code" value="${started.link_code}"><input name="decision" value="approve"><button>go</button>
      </form>`);
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void other.close());
  await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
  await page.getByRole("button").click();
  await page.waitForURL(own.href);
  expect(await heading(page)).toBe("Please send this once more");
  expect((await poll(replica(), started)).status).toBe(202);
});
