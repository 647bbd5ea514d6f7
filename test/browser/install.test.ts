import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startService, type TestService } from "../support/service.ts";
import { decide, heading, launchChromium, type Watch, watchPages } from "./chromium.ts";

let browser: Browser;
let service: TestService;
let context: BrowserContext;
let watch: Watch;

beforeAll(async () => {
  browser = await launchChromium();
  service = await startService({ sandbox: { autoApprove: false } });
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
  const { github, atlassian, slack, sentry } = service.sandbox;
  const expected = [baseUrl(), github.url, atlassian.url, slack.url, sentry.url].map((url) => new URL(url).origin);
  expect(
    [...watch.origins].filter((origin) => !expected.includes(origin)),
    "asked elsewhere",
  ).toEqual([]);
  expect(watch.complaints).toEqual([]);
  for (const platform of [github, atlassian, slack, sentry]) expect(platform.faults).toEqual([]);
  await context.close();
});

const baseUrl = () => service.replicas[0]?.publicUrl ?? "";

async function open(platform: string, query = ""): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${baseUrl()}/oauth/install/${platform}${query}`);
  return page;
}

async function activeOrganizations(platform: string): Promise<readonly unknown[]> {
  const reply = await fetch(`${service.replicas[0]?.internalUrl}/oauth/installations?platform=${platform}`);
  const { installations = [] } = (await reply.json()) as { installations?: { external_org_name: string }[] };
  return installations.map((installation) => installation.external_org_name).sort();
}

test.each([
  { platform: "jira", title: "Jira is connected", names: ["acme", "globex"] },
  { platform: "github", choice: "globex", title: "GitHub is connected", names: ["globex"] },
  { platform: "slack", title: "Slack is connected", names: ["Acme"] },
  { platform: "sentry", choice: "Globex", title: "Sentry is connected", names: ["Globex"] },
])(
  "a person clicks through the consent of $platform and sees the name of what was connected",
  async ({ platform, choice, title, names }) => {
    const page = await open(platform);
    await decide(page, "Approve", choice);
    expect(await heading(page)).toBe(title);
    for (const name of names) expect(await page.getByRole("main").textContent()).toContain(name);
    expect(await activeOrganizations(platform)).toEqual(names);
  },
);

test("the page's one style is let through by its policy, in light and in dark", async () => {
  const page = await open("slack");
  await decide(page, "Approve");
  const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  await page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  await page.emulateMedia({ colorScheme: "dark" });
  expect([light, await ground()]).toEqual(["rgb(244, 245, 247)", "rgb(18, 22, 28)"]);
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await page.evaluate("document.documentElement.scrollWidth"), "nothing sticks out on a small screen").toBe(320);
});

test.each(["jira", "slack", "github-oauth"])(
  "who denies at %s is told that nothing was connected",
  async (platform) => {
    const before = await activeOrganizations(platform);
    const page = await open(platform);
    await decide(page, "Deny");
    expect(await heading(page)).toBe("The connection was not approved");
    expect(await page.getByRole("main").textContent()).toContain("Nothing was connected");
    expect(await activeOrganizations(platform)).toEqual(before);
  },
);

test("two tabs at once both succeed", async () => {
  const [first, second] = [await open("jira"), await open("jira")];
  await decide(first, "Approve");
  await decide(second, "Approve");
  expect([await heading(first), await heading(second)]).toEqual(["Jira is connected", "Jira is connected"]);
  expect(await activeOrganizations("jira"), "as one installation of each site").toEqual(["acme", "globex"]);
});

test("reloading the result page shows it again, to no other browser, and harms nothing", async () => {
  const page = await open("slack");
  await decide(page, "Approve");
  // Chromium reloads a page that has taken the place of another site's, not one that is about to.
  expect(await heading(page)).toBe("Slack is connected");
  await page.waitForLoadState("load");
  const connected = await activeOrganizations("slack");
  await page.reload();
  expect(await heading(page)).toBe("Slack is connected");
  expect(await page.getByRole("main").textContent()).toContain("Acme");
  expect(await activeOrganizations("slack")).toEqual(connected);
  const stranger = await browser.newContext();
  const elsewhere = await stranger.newPage();
  await elsewhere.goto(page.url());
  expect(await heading(elsewhere)).toBe("There is no result here, or not any more");
  await stranger.close();
  await page.goBack();
  await page.goForward();
  expect(await activeOrganizations("slack")).toEqual(connected);
});

test("a link that is followed from a result page tells nobody where it was", async () => {
  const page = await open("jira", `?return_to=${encodeURIComponent(`${baseUrl()}/health`)}`);
  await decide(page, "Approve");
  expect(page.url()).toMatch(/\/oauth\/result\/[\w-]+$/);
  await page.getByRole("link", { name: "Back to" }).click();
  await page.waitForURL("**/health");
  expect(await page.evaluate("document.referrer")).toBe("");

  const denied = await open("jira");
  await decide(denied, "Deny");
  expect(denied.url()).toMatch(/\/oauth\/result\/[\w-]+$/);
  await denied.getByRole("link", { name: "Connect again" }).click();
  await denied.waitForURL(`${service.sandbox.atlassian.url}/**`);
  expect(await denied.evaluate("document.referrer")).toBe("");
});
