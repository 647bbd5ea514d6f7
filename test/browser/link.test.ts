import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Caller, createCaller } from "../end-to-end/support/caller.ts";
import { complete, makeLink } from "../end-to-end/support/links.ts";
import { startService, type TestService } from "../support/service.ts";
import { decide, heading, launchChromium, type Watch, watchPages } from "./chromium.ts";

let browser: Browser;
let service: TestService;
let caller: Caller;
let context: BrowserContext;
let watch: Watch;

beforeAll(async () => {
  browser = await launchChromium();
  service = await startService({ sandbox: { autoApprove: false }, env: { INSTALL_MODE: "link" } });
  caller = createCaller(service.replicas[0]!);
});
afterAll(async () => {
  await browser?.close();
  caller?.close();
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

/** A page of the service stands in for the product's. */
const product = () => `${service.replicas[0]!.publicUrl}/health?from=portal`;

test("a person who follows a link comes back to the product with a code, and its backend completes the install", async () => {
  const page = await context.newPage();
  await page.goto((await makeLink(caller, { platform: "slack", owner: "acme", return_to: product() })).href);
  await decide(page, "Approve");
  await page.waitForURL("**/health**");
  const url = new URL(page.url());
  expect(url.href.startsWith(`${product()}&completion_code=`)).toBe(true);
  expect(await page.evaluate("document.referrer")).toBe("");
  expect(await context.cookies()).toEqual([]);
  const { installations } = await complete(caller, url.searchParams.get("completion_code")!, "acme");
  expect(installations).toMatchObject([{ status: "INSTALLATION_STATUS_ACTIVE", owner: "acme" }]);
});

test("who opens a link a second time, or too late, is told what to do", async () => {
  const page = await context.newPage();
  const link = (await makeLink(caller, { platform: "jira" })).href;
  await page.goto(link);
  expect(new URL(page.url()).origin).toBe(new URL(service.sandbox.atlassian.url).origin);
  await page.goto(link);
  expect(await heading(page)).toBe("This link to connect Jira was used already");
  expect(await page.getByRole("main").textContent()).toContain("start again in the product that gave you the link");
  const late = (await makeLink(caller, { platform: "jira" })).href;
  service.clock.advance(600_001);
  await page.goto(late);
  expect(await heading(page)).toBe("This link to connect Jira is too old");
  expect(await page.getByRole("main").textContent()).toContain("it gives you a fresh one");
  await page.goto(`${service.replicas[0]!.publicUrl}/oauth/install/jira`);
  expect(await heading(page)).toBe("A valid link is needed to connect");
});
