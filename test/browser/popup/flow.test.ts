import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import { type Caller, createCaller } from "../../end-to-end/support/caller.ts";
import { complete, makeLink } from "../../end-to-end/support/links.ts";
import { startService, type TestService } from "../../support/service.ts";
import { decide, heading, launchChromium, type Watch, watchPages } from "../chromium.ts";
import { clickConnect, isBack, isTold, lastTry, openProduct, settledTry } from "./product-page.ts";
import { type Product, startProduct } from "./product-server.ts";

let browser: Browser;
let product: Product;
let service: TestService;
let caller: Caller;
let context: BrowserContext;
let watch: Watch;
/** What every call to a platform waits for. */
let platformCalls: () => Promise<void>;

beforeAll(async () => {
  browser = await launchChromium();
  product = await startProduct("127.0.0.1");
});
afterAll(async () => {
  await browser?.close();
  await product?.close();
});
beforeEach(() => {
  platformCalls = async () => undefined;
});

async function start(sandbox: { readonly isolatesPages?: boolean } = {}): Promise<void> {
  service = await startService({
    sandbox: { autoApprove: false, ...sandbox },
    env: { INSTALL_MODE: "link", ALLOWED_RETURN_ORIGINS: product.url },
    fetch: async (...asked) => {
      await platformCalls();
      return fetch(...asked);
    },
  });
  product.useService(baseUrl());
  caller = createCaller(service.replicas[0]!);
}

async function end(): Promise<void> {
  caller?.close();
  await service?.close();
}

async function openContext(options: BrowserContextOptions = {}): Promise<void> {
  context = await browser.newContext(options);
  watch = watchPages(context);
}

async function closeContext(): Promise<void> {
  const { github, atlassian, slack, sentry } = service.sandbox;
  const platforms = [github, atlassian, slack, sentry];
  const expected = [baseUrl(), product.url, ...platforms.map(({ url }) => url)].map((url) => new URL(url).origin);
  expect([...watch.origins].filter((origin) => !expected.includes(origin))).toEqual([]);
  expect(watch.complaints).toEqual([]);
  for (const platform of platforms) expect(platform.faults).toEqual([]);
  await context.close();
}

const baseUrl = () => service.replicas[0]!.publicUrl;

/** The product's page, with a link of its backend for the person who is signed in. */
async function openWithLink(platform: string, more: Readonly<Record<string, unknown>> = {}): Promise<Page> {
  const page = await openProduct(context, product.url);
  const asked = { platform, owner: "acme", return_to: `${product.url}/?signed=in`, ...more };
  const link = (await makeLink(caller, asked)).href;
  await page.evaluate(`globalThis.options = { link: ${JSON.stringify(link)} }`);
  return page;
}

/** The person clicks, and is at the platform. */
async function toPlatform(page: Page): Promise<Page> {
  const popup = await clickConnect(page);
  await isTold(page, "at_platform");
  return popup;
}

async function expectActive(code: unknown): Promise<void> {
  const { installations } = await complete(caller, String(code), "acme");
  expect(installations?.map(({ status }) => status)).toContain("INSTALLATION_STATUS_ACTIVE");
}

describe("in a popup", () => {
  beforeAll(() => start());
  afterAll(end);
  beforeEach(() => openContext());
  afterEach(closeContext);

  test.each([
    { platform: "github", choice: "globex" },
    { platform: "github-oauth" },
    { platform: "jira" },
    { platform: "confluence" },
    { platform: "slack" },
    { platform: "sentry", choice: "Globex" },
  ])("a person connects $platform, and the product's backend completes it", async ({ platform, choice }) => {
    const page = await openWithLink(platform);
    const flows: string[] = [];
    page.on("request", (request) => void flows.push(request.url()));
    const popup = await toPlatform(page);
    const gone = popup.waitForEvent("close");
    await decide(popup, "Approve", choice);
    const { told, result } = await settledTry(page);
    expect(told.filter((status) => status !== "finishing")).toEqual(["opened", "at_platform", "connected"]);
    expect(result).toEqual({ status: "connected", completionCode: expect.stringMatching(/^[\w-]{20,}$/) });
    await gone;
    const flow = flows.find((url) => url.includes("/oauth/flows/"));
    const look = await page.evaluate(`fetch("${flow}").then((answer) => answer.text())`);
    expect(JSON.parse(String(look)), "without the code").toEqual({ status: "connected", completion: true });
    await expectActive(result?.completionCode);
  });

  test("who denies is told so, and the window closes", async () => {
    const page = await openWithLink("jira");
    const popup = await toPlatform(page);
    const gone = popup.waitForEvent("close");
    await decide(popup, "Deny");
    expect((await settledTry(page)).result).toMatchObject({
      status: "denied",
      message: expect.stringMatching(/^The connection was not approved\. Nothing was connected\./),
    });
    await gone;
  });

  test("that is closed early it was abandoned; the next try connects", async () => {
    const page = await openWithLink("slack");
    const popup = await toPlatform(page);
    await popup.close();
    await isBack(page, "tries.at(-1)?.result !== undefined");
    expect(await settledTry(page)).toMatchObject({ told: ["opened", "at_platform", "abandoned"] });
    const link = (await makeLink(caller, { platform: "slack", owner: "acme", return_to: product.url })).href;
    await page.evaluate(`globalThis.options = { link: ${JSON.stringify(link)} }`);
    const again = await toPlatform(page);
    await decide(again, "Approve");
    expect((await settledTry(page)).result).toMatchObject({ status: "connected" });
  });

  test("a slow platform is waited for, and one that fails is read about", async () => {
    const gate = createGate();
    const page = await openWithLink("slack");
    const popup = await toPlatform(page);
    platformCalls = () => gate.opened;
    // The click itself waits for the page that comes of it.
    const decided = decide(popup, "Approve").catch(() => undefined);
    await isTold(page, "finishing");
    gate.open();
    await decided;
    expect((await settledTry(page)).result).toMatchObject({ status: "connected" });

    platformCalls = async () => {
      throw new TypeError("fetch failed");
    };
    const other = await openWithLink("jira");
    const failing = await toPlatform(other);
    await decide(failing, "Approve");
    expect((await settledTry(other)).result).toMatchObject({
      status: "failed",
      reason: "provider_unavailable",
      message: expect.stringContaining("Jira did not answer. Nothing was changed."),
    });
    expect(failing.isClosed()).toBe(false);
    expect(await heading(failing)).toBe("Jira did not answer");
  });

  test("two at once, in two tabs, do not meet", async () => {
    const pages = [await openWithLink("jira"), await openWithLink("slack")];
    const popups = [await toPlatform(pages[0]!), await toPlatform(pages[1]!)];
    await decide(popups[1]!, "Approve");
    const second = await settledTry(pages[1]!);
    expect((await lastTry(pages[0]!)).result).toBeUndefined();
    await decide(popups[0]!, "Approve");
    const first = await settledTry(pages[0]!);
    expect(first.result?.completionCode).not.toBe(second.result?.completionCode);
    for (const { result } of [first, second]) await expectActive(result?.completionCode);
  });

  test("a link that was used says so, and so does its window", async () => {
    const page = await openWithLink("jira");
    const popup = await toPlatform(page);
    const again = await clickConnect(page);
    expect((await settledTry(page)).result).toMatchObject({
      status: "failed",
      reason: "link_already_used",
      message: expect.stringContaining("This link to connect Jira was used already. A link works once."),
    });
    expect(await heading(again)).toBe("This link to connect Jira was used already");
    await decide(popup, "Approve");
    await page.waitForFunction("tries[0].result?.status === 'connected'");
  });

  test("a page that shows who asks is passed, by keyboard alone", async () => {
    const page = await openWithLink("slack", { confirm_page: true });
    await page.keyboard.press("Tab");
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.keyboard.press("Enter")]);
    expect(await heading(popup)).toBe("Connect Slack?");
    await popup.keyboard.press("Tab");
    await popup.keyboard.press("Enter");
    await popup.waitForURL(`${service.sandbox.slack.url}/**`);
    await popup.getByRole("button", { name: "Approve" }).focus();
    await popup.keyboard.press("Enter");
    const { told, result } = await settledTry(page);
    // What is passed faster than it is told is not told.
    expect([told.at(0), told.at(-1)]).toEqual(["opened", "connected"]);
    await expectActive(result?.completionCode);
  });

  test("whose product has gone the person is brought back to it, with the code", async () => {
    const page = await openWithLink("jira");
    const popup = await toPlatform(page);
    await page.goto(`${product.url}/?elsewhere`);
    await decide(popup, "Approve");
    await popup.waitForURL(`${product.url}/?signed=in&completion_code=*`);
    await expectActive(new URL(popup.url()).searchParams.get("completion_code"));
  });

  test("no other page can look on, nor say that it was closed", async () => {
    const page = await openWithLink("jira");
    const flows: string[] = [];
    page.on("request", (request) => void flows.push(request.url()));
    const popup = await toPlatform(page);
    const flow = flows.find((url) => url.includes("/oauth/flows/"));
    const other = await startProduct("localhost");
    other.useService(baseUrl());
    const stranger = await browser.newPage();
    await stranger.goto(other.url);
    const ask = (what: string) => stranger.evaluate(`fetch(${what}).then(() => "read", () => "refused")`);
    expect(await ask(`"${flow}"`)).toBe("refused");
    expect(await ask(`"${flow}/closed", { method: "POST" }`)).toBe("refused");
    await stranger.close();
    await other.close();
    await decide(popup, "Approve");
    expect((await settledTry(page)).result).toMatchObject({ status: "connected" });
  });

  test("an aborted one closes, and is abandoned", async () => {
    const page = await openWithLink("jira");
    const popup = await toPlatform(page);
    await page.evaluate("tries.at(-1).abort.abort()");
    expect((await lastTry(page)).result).toEqual({ status: "abandoned" });
    await until(() => popup.isClosed(), "it closes");
  });
});

describe("on a phone", () => {
  beforeAll(() => start());
  afterAll(end);

  test("a person connects, and nothing sticks out", async () => {
    await openContext({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: "dark" });
    const page = await openWithLink("slack", { confirm_page: true });
    const [popup] = await Promise.all([page.waitForEvent("popup"), page.getByRole("button").tap()]);
    // On a phone it is a tab as wide as any.
    await popup.setViewportSize({ width: 390, height: 844 });
    expect(await popup.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    await popup.getByRole("link", { name: "Continue to Slack" }).tap();
    await popup.waitForURL(`${service.sandbox.slack.url}/**`);
    await popup.getByRole("button", { name: "Approve" }).tap();
    await expectActive((await settledTry(page)).result?.completionCode);
    await closeContext();
  });
});

describe("at a platform whose pages cut the popup off", () => {
  beforeAll(() => start({ isolatesPages: true }));
  afterAll(end);
  beforeEach(() => openContext());
  afterEach(closeContext);

  test.each(["jira", "github"])("(%s) the outcome comes without the code, which the popup brings", async (platform) => {
    const page = await openWithLink(platform);
    // A person is in the popup; Playwright tells every page that it has the focus.
    await page.evaluate("document.hasFocus = () => false");
    const reports: string[] = [];
    page.on("request", (request) => void (request.url().endsWith("/closed") && reports.push(request.url())));
    const popup = await toPlatform(page);
    expect(await popup.evaluate("opener")).toBeNull();
    await decide(popup, "Approve");
    expect((await settledTry(page)).result).toEqual({ status: "connected" });
    await popup.waitForURL(`${product.url}/?signed=in&completion_code=*`);
    await expectActive(new URL(popup.url()).searchParams.get("completion_code"));
    expect(reports).toEqual([]);
  });
});
