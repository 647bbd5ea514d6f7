import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FinishInstall, StartFromLink } from "../../src/domain/connecting/browser-flow.ts";
import type { InstallFailure } from "../../src/domain/model/install-failure.ts";
import type { Installation } from "../../src/domain/model/installation.ts";
import type { PublicAppOptions } from "../../src/web/browser/public-app.ts";
import { onlyPlatforms, scriptedPlatform } from "../support/scripted-platform.ts";
import { payloads } from "../web/support/harmless-page.ts";
import { memoryLinks } from "../web/support/memory-links.ts";
import { installation, type Site, startSite } from "../web/support/site.ts";
import { accessibilityFindings, tabOrder } from "./accessibility.ts";
import { heading, launchChromium, type Watch, watchPages } from "./chromium.ts";

let browser: Browser;
let context: BrowserContext;
let watch: Watch;
let page: Page;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  context = await browser.newContext();
  // Where links lead on to: the browser stays where it is.
  await context.route(
    (url) => url.host.endsWith(".example"),
    (route) => route.fulfill({ status: 204 }),
  );
  watch = watchPages(context);
  page = await context.newPage();
});
afterEach(async () => {
  expect(watch.complaints, "no policy was broken, and nothing failed").toEqual([]);
  await context.close();
});

/** Ends every attempt in this way, whoever comes. */
const ends = (outcome: Awaited<ReturnType<FinishInstall>>): Partial<PublicAppOptions> => ({
  finishInstall: async () => outcome,
});
const connected = (installations: readonly Installation[], more: { returnTo?: string; linkCodeId?: string } = {}) =>
  ends({ kind: "connected", installations, returnTo: undefined, fromLink: true, bindingName: "n", ...more });
const fails = (failure: InstallFailure) => ends({ kind: "failed", failure, platform: "jira" });
const unconfirmed = (names: { caller: string; owner: string }): Partial<PublicAppOptions> => ({
  startFromLink: (async () => ({ kind: "unconfirmed", ...names })) satisfies StartFromLink,
});
const platforms = onlyPlatforms(scriptedPlatform({ name: "jira", products: ["jira", "confluence"] }));

const callback = "/oauth/callback/slack?code=c&state=s";
const acme = installation();
const globex = installation({
  id: "0195e3a0-0000-7000-8000-000000000002",
  externalOrgName: "Globex",
  status: "pending",
});
const press = (name: RegExp) => page.getByRole("button", { name }).click();

interface Shown {
  readonly what: string;
  readonly options?: Partial<PublicAppOptions>;
  readonly path: string;
  /** What the person does there first. */
  readonly does?: () => Promise<void>;
  readonly title: string;
}

const everyPage: readonly Shown[] = [
  { what: "the bare address", options: { platforms }, path: "/", title: "Connect accounts to your tools" },
  {
    what: "the bare address where links are needed",
    options: { platforms, installMode: "link", installPageUrl: new URL("https://portal.example/connect") },
    path: "/",
    title: "Connect accounts to your tools",
  },
  {
    what: "a result",
    options: connected([acme, globex], { returnTo: "https://portal.example/done" }),
    path: callback,
    title: "Slack is connected",
  },
  { what: "a denial", options: fails("denied"), path: callback, title: "The connection was not approved" },
  { what: "a result that had its time", path: "/oauth/result/x", title: "There is no result here, or not any more" },
  { what: "what is not there", path: "/nothing", title: "There is no such page" },
  {
    what: "a link to confirm",
    options: unconfirmed({ caller: "portal", owner: "acme" }),
    path: "/oauth/install/github?link=the-link",
    title: "Connect GitHub?",
  },
  { what: "a code to type", path: "/link", title: "Connect a program" },
  { what: "a wrong code", path: "/link?code=1", does: () => press(/^Continue/), title: "This code is not known" },
  {
    what: "the question who asks",
    path: "/link?code=12345678901",
    does: () => press(/^Continue/),
    title: "Did you start this, to use GitHub?",
  },
  {
    what: "the way on",
    path: "/link?code=12345678901",
    does: () => press(/^Continue/).then(() => press(/^Yes/)),
    title: "One moment",
  },
  {
    what: "a refusal",
    path: "/link?code=12345678901",
    does: () => press(/^Continue/).then(() => press(/^No/)),
    title: "Refused, as you said",
  },
];

async function show({ options = {}, path, does }: Shown): Promise<Site> {
  const site = await startSite(options);
  await page.goto(site.baseUrl.origin + path);
  await does?.();
  return site;
}

describe.each(everyPage)("the page of $what", (shown) => {
  test("can be read and used by day, by night, on a phone and by keyboard", async () => {
    await page.emulateMedia({ colorScheme: "light" });
    await show(shown);
    expect(await heading(page)).toBe(shown.title);
    expect(await page.title()).toBe(`${shown.title} - OAuth Token Service`);
    expect(await accessibilityFindings(page), "by day").toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 700 });
    expect(await accessibilityFindings(page, ["color-contrast", "target-size"]), "by night, on a phone").toEqual([]);
    const wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await page.evaluate(wide), "nothing sticks out").toBe(0);
    for (const target of await page.getByRole("button").or(page.locator("a.action")).all()) {
      expect((await target.boundingBox())?.height, "large enough for a thumb").toBeGreaterThanOrEqual(44);
    }
    await tabOrder(page);
  });
});

test("the icon of a page is part of it, and no page of an error is fetched instead", async () => {
  const site = await show({ what: "", path: "/nothing", title: "" });
  const icon = await page.locator("link[rel=icon]").getAttribute("href");
  const drawn = await page.evaluate(async (source) => {
    const { Image } = globalThis as unknown as {
      Image: new () => { src: string; width: number; decode(): Promise<void> };
    };
    const image = new Image();
    image.src = source ?? "";
    await image.decode();
    return image.width > 0;
  }, icon);
  expect(drawn).toBe(true);
  expect([...watch.origins]).toEqual([site.baseUrl.origin]);
});

describe("what others call themselves runs nothing and asks for nothing", () => {
  const all = payloads.join(" ");
  const names = payloads.map((name, index) =>
    installation({ id: `0195e3a0-0000-7000-8000-0000000001${String(index).padStart(2, "0")}`, externalOrgName: name }),
  );
  const hostileLink = () => {
    const links = memoryLinks(new Date());
    links.link = { ...links.link, clientName: all, owner: all, caller: all, platform: all };
    return { links };
  };
  const hostilePages: readonly Shown[] = [
    {
      what: "a result",
      options: connected(names.slice(0, 12), {
        returnTo: "https://portal.example/%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
      }),
      path: callback,
      title: payloads[11] ?? "",
    },
    { what: "a result's second half", options: connected(names.slice(12)), path: callback, title: payloads[12] ?? "" },
    {
      what: "a link to confirm",
      options: unconfirmed({ caller: all, owner: all }),
      path: "/oauth/install/github?link=the-link",
      title: payloads[0] ?? "",
    },
    {
      what: "the question who asks",
      options: hostileLink(),
      path: "/link?code=12345678901",
      does: () => press(/^Continue/),
      title: payloads[0] ?? "",
    },
    {
      what: "an address",
      path: `/link?code=${encodeURIComponent(all)}&proof=${encodeURIComponent(all)}`,
      title: "Connect a program",
    },
  ];

  test.each(hostilePages)("in $what", async (shown) => {
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    const site = await show(shown);
    expect(await page.getByRole("main").textContent()).toContain(shown.title);
    const foreign = page.locator(
      "script, img, iframe, base, meta[http-equiv], main svg svg, main style, main a[href^=javascript]",
    );
    expect(await foreign.count()).toBe(0);
    for (const handler of ["onload", "onerror", "onmouseover", "onfocus"]) {
      expect(await page.locator(`[${handler}]`).count()).toBe(0);
    }
    await page.setViewportSize({ width: 390, height: 700 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    expect(dialogs).toEqual([]);
    expect([...watch.origins]).toEqual([site.baseUrl.origin]);
  });
});
