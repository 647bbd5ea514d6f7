import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startService, type TestService } from "../support/service.ts";
import { launchChromium } from "./chromium.ts";

let service: TestService;
let chromium: Browser;
let person: BrowserContext;
let complaints: string[];
let visited: string[];

beforeAll(async () => {
  [service, chromium] = await Promise.all([startService({ sandbox: { autoApprove: false } }), launchChromium()]);
});

afterAll(async () => {
  await chromium?.close();
  await service?.close();
});

beforeEach(async () => {
  person = await chromium.newContext();
  person.setDefaultTimeout(20_000);
  complaints = [];
  visited = [];
  person.on("console", (message) => {
    // Chromium itself reports every answer from 400 on as an error; pages that refuse are such answers.
    const refused = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
    if (message.type() === "error" && !refused) complaints.push(message.text());
  });
  person.on("request", (request) => visited.push(new URL(request.url()).hostname));
});

afterEach(async () => {
  await person.close();
  expect(complaints).toEqual([]);
  expect(new Set(visited)).toEqual(new Set(["localhost", "127.0.0.1"]));
  expect(service.sandbox.github.faults).toEqual([]);
});

async function openConsent(platform: string): Promise<Page> {
  const page = await person.newPage();
  await page.goto(`${service.replicas[0]!.publicUrl}/oauth/install/${platform}`);
  return page;
}

async function decide(page: Page, decision: "Approve" | "Deny"): Promise<void> {
  await page.getByRole("button", { name: decision }).click();
  await page.waitForURL(/\/oauth\/callback\//);
}

const heading = (page: Page) => page.getByRole("heading", { level: 1 }).textContent();

test.each([
  ["jira", "Jira", "acme"],
  ["github", "GitHub", "acme"],
  ["slack", "Slack", "Acme"],
  ["github-oauth", "GitHub", "mona"],
])("a person connects %s by one click and sees what is connected", async (platform, label, organization) => {
  const page = await openConsent(platform);
  await decide(page, "Approve");
  expect(await heading(page)).toContain(label);
  expect(await page.locator("body").textContent()).toContain(organization);
  const token = await fetch(`${service.replicas[0]!.internalUrl}/oauth/installations?platform=${platform}`);
  const { installations } = (await token.json()) as { installations: unknown[] };
  expect(installations.length).toBeGreaterThan(0);
});

test("a person who denies is told so and can begin again from the page", async () => {
  const page = await openConsent("slack");
  await decide(page, "Deny");
  expect(await page.locator("body").textContent()).toContain("not approved");
  await page.getByRole("link", { name: "Connect again" }).click();
  await decide(page, "Approve");
  expect(await heading(page)).toContain("is connected");
});

test("two tabs at once do not disturb each other", async () => {
  const first = await openConsent("jira");
  const second = await openConsent("jira");
  await decide(second, "Approve");
  await decide(first, "Approve");
  expect(await heading(first)).toContain("is connected");
  expect(await heading(second)).toContain("is connected");
});

test("reloading the result page says that the attempt is over and harms nothing", async () => {
  const page = await openConsent("slack");
  await decide(page, "Approve");
  const calls = service.sandbox.slack.controls.tokenCalls;
  await page.reload();
  expect(await page.locator("body").textContent()).toMatch(/already/i);
  expect(service.sandbox.slack.controls.tokenCalls).toBe(calls);
  const kept = await fetch(`${service.replicas[0]!.internalUrl}/oauth/token/slack`);
  expect(kept.status).toBe(200);
});

test("an attempt that another browser finishes is refused", async () => {
  const page = await openConsent("jira");
  const callback = page.waitForRequest(/\/oauth\/callback\//);
  await page.route(/\/oauth\/callback\//, (route) => route.abort());
  await page.getByRole("button", { name: "Approve" }).click();
  const stolen = (await callback).url();
  const thief = await chromium.newContext();
  const other = await thief.newPage();
  const answer = await other.goto(stolen);
  expect(answer?.status()).toBe(400);
  await thief.close();
  complaints = [];
});

test("no code or state follows a link from the result page", async () => {
  const page = await openConsent("slack");
  await decide(page, "Deny");
  expect(await page.evaluate("document.querySelector('a').referrerPolicy + document.scripts.length")).toMatch(/0$/);
  const followed = page.waitForRequest(/\/oauth\/install\//);
  await page.getByRole("link", { name: "Connect again" }).click();
  expect((await followed).headers().referer).toBeUndefined();
});
