import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { launchChromium, type Watch, watchPages } from "../chromium.ts";
import { clickConnect, isTold, lastTry, openProduct, settledTry } from "./product-page.ts";
import { resultDocument } from "./result-document.ts";
import { type ScriptedFlow, type ScriptedService, startScriptedService } from "./scripted-service.ts";

let browser: Browser;
let service: ScriptedService;
let context: BrowserContext;
let watch: Watch;
let product: Page;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  service = await startScriptedService();
  context = await browser.newContext();
  watch = watchPages(context);
});
afterEach(async () => {
  expect(await product.evaluate("unhandled")).toEqual([]);
  expect((await lastTry(product)).toldAfterEnd).not.toBe(true);
  const expected = [service.url, service.product.url];
  expect([...watch.origins].filter((origin) => !expected.includes(origin))).toEqual([]);
  await context.close();
  await service.close();
});

/** A click, and the flow that its popup begins. Playwright tells every page that it has the focus; a person is in one. */
async function begin({ inPopup = false } = {}): Promise<{ popup: Page; flow: ScriptedFlow }> {
  product = await openProduct(context, service.product.url);
  if (inPopup) await product.evaluate("document.hasFocus = () => false");
  const popup = await clickConnect(product);
  await until(() => service.flows.length > 0, "the popup arrives");
  return { popup, flow: service.flows.at(-1)! };
}

/** Seconds, in which the helper has looked at the window many times. */
function untilLookedAgain(flow: ScriptedFlow): Promise<void> {
  const before = flow.looks;
  return until(() => flow.looks > before + 1, "it goes on looking");
}

/** A person who has closed the popup is at the page again: headless windows are given no focus by themselves. */
function untilBack(condition: () => boolean, what: string): Promise<void> {
  return until(async () => {
    await product.evaluate("dispatchEvent(new Event('focus'))");
    return condition();
  }, what);
}

/** Makes the product's browser open a window that is, one look after the other, at these places; it stays at the last. */
async function openScripted(...places: readonly ("about:blank" | "another site" | "closed")[]): Promise<void> {
  await product.evaluate(`
    globalThis.looks = -1;
    const places = ${JSON.stringify(places)};
    const place = () => places[Math.min(looks, places.length - 1)];
    const location = { get href() { if (place() === "another site") throw new DOMException("", "SecurityError"); return place(); } };
    globalThis.open = (address) => {
      globalThis.opened = address;
      return { get closed() { looks += 1; return place() === "closed"; }, location, close() { globalThis.closes = (globalThis.closes ?? 0) + 1; }, postMessage() {} };
    };`);
}

const connected = { status: "connected", completion: true };
/** The page that brings the code, for a popup that the test sends there. */
const bringsCode = (openerOrigin: string) =>
  resultDocument({
    message: { status: "connected", completionCode: "the-code" },
    openerOrigin,
    goOn: `${service.product.url}/?completion_code=the-code`,
  });
const isolating = { "cross-origin-opener-policy": "same-origin" };

describe("a popup", () => {
  test("is opened by the click with a name of its own, and its page brings the code, which the stream never has", async () => {
    const { popup, flow } = await begin();
    expect(new URL(popup.url()).searchParams.get("link")).toBe("made");
    expect(new URL(popup.url()).searchParams.get("popup")).toBe("1");
    expect(flow.name, "32 bytes").toMatch(/^[\w-]{43}$/);
    flow.say({ status: "at_platform" });
    await isTold(product, "at_platform");
    flow.say({ status: "finishing" });
    await isTold(product, "finishing");
    const closed = popup.waitForEvent("close");
    service.page = (_request, response) => void response.type("html").send(bringsCode(service.product.url));
    await popup.reload().catch(() => undefined);
    await closed;
    expect(await settledTry(product)).toMatchObject({
      told: ["opened", "at_platform", "finishing", "connected"],
      result: { status: "connected", completionCode: "the-code" },
    });
    expect(flow.closed, "the popup ended by itself").toBe(0);
    expect(watch.complaints).toEqual([]);
  });

  test.each([
    { status: "denied", reason: "denied", message: "The connection was not approved. Connect again." },
    { status: "failed", reason: "no_sites", message: "Your approval covers no site. Choose one." },
    { status: "expired" },
    { status: "abandoned" },
    { status: "connected" },
  ])("ends as the stream says: $status", async (report) => {
    const { popup, flow } = await begin();
    flow.say(report);
    expect(await settledTry(product)).toMatchObject({ told: ["opened", report.status], result: report });
    const isRead = report.status === "connected" || report.status === "denied";
    if (isRead) await until(() => popup.isClosed(), "the popup closes");
    expect(popup.isClosed(), "what there is to read stays").toBe(isRead);
  });

  test("that loses being closed is closed again", async () => {
    product = await openProduct(context, service.product.url);
    await openScripted("another site");
    await product.getByRole("button").click();
    await product.evaluate("fetch(opened, { mode: 'no-cors' })");
    await until(() => service.flows.length > 0, "the service knows of it");
    service.flows.at(-1)!.say({ status: "denied", reason: "denied" });
    await settledTry(product);
    await product.waitForFunction("closes > 1");
  });

  test("that a person closes is reported, and the service says what that means", async () => {
    const { popup, flow } = await begin();
    flow.say({ status: "at_platform" });
    await popup.close();
    await untilBack(() => flow.closed > 0, "it is reported");
    expect((await lastTry(product)).result, "this alone ends nothing").toBeUndefined();
    flow.say({ status: "abandoned" });
    expect(await settledTry(product)).toMatchObject({ result: { status: "abandoned" } });
    expect(flow.closed).toBe(1);
  });

  test("that the service has never seen is abandoned when the person comes back", async () => {
    product = await openProduct(context, service.product.url);
    await openScripted("about:blank", "about:blank", "closed");
    await product.getByRole("button").click();
    await product.waitForFunction("looks === 2");
    await product.evaluate("dispatchEvent(new Event('focus'))");
    expect(await settledTry(product)).toMatchObject({ told: ["opened", "abandoned"] });
  });

  test("opens in tabs and tries beside each other", async () => {
    const first = await begin();
    const second = await clickConnect(product);
    await until(() => service.flows.length === 2, "the second arrives");
    const [one, two] = service.flows;
    expect(one!.name).not.toBe(two!.name);
    expect(first.popup.isClosed(), "the first keeps its window").toBe(false);
    two!.say({ status: "failed", reason: "link_already_used" });
    expect(await settledTry(product)).toMatchObject({ result: { status: "failed" } });
    expect(await product.evaluate("tries[0].result")).toBeUndefined();
    one!.say({ status: "connected" });
    await product.waitForFunction("tries[0].result?.status === 'connected'");
    await second.close();
  });
});

describe("an opener that was cut off", () => {
  beforeEach(() => {
    service.streams = "refused";
  });

  test.each([
    { places: ["about:blank", "closed"], told: false },
    // As browsers have it for a moment.
    { places: ["about:blank", "another site", "closed"], told: false },
    { places: ["about:blank", ...new Array(40).fill("another site"), "closed"], told: true },
  ])("and one that was closed are told apart by what was shown before ($told)", async ({ places, told }) => {
    product = await openProduct(context, service.product.url);
    await openScripted("about:blank", ...places);
    const reports: string[] = [];
    product.on("request", (request) => void (request.url().endsWith("/closed") && reports.push(request.url())));
    await product.getByRole("button").click();
    // The service knows nothing of it, and is asked all the same.
    await product.waitForResponse((response) => response.url().includes("/oauth/flows/"));
    if (told) await until(() => reports.length > 0, "it is reported");
    else expect(reports).toEqual([]);
    await product.evaluate("tries.at(-1).abort.abort()");
  });

  test("by the platform's page hears of no closing, and of the end without a code", async () => {
    service.page = (_request, response) => void response.set(isolating).type("html").send("<!doctype html><p>in</p>");
    const { popup, flow } = await begin({ inPopup: true });
    await popup.waitForFunction("opener === null");
    flow.say({ status: "at_platform" });
    await untilLookedAgain(flow);
    expect(flow.closed).toBe(0);
    service.page = (_request, response) => void response.type("html").send(bringsCode(service.product.url));
    await popup.reload();
    await popup.waitForURL("**/?completion_code=the-code");
    flow.say(connected);
    expect(await settledTry(product)).toMatchObject({
      told: ["opened", "at_platform", "connected"],
      result: { status: "connected" },
    });
    expect((await lastTry(product)).result).not.toHaveProperty("completionCode");
    expect(flow.closed).toBe(0);
  });

  test("by the product's own page does the same", async () => {
    service.product.headers = isolating;
    const { popup, flow } = await begin({ inPopup: true });
    await popup.waitForFunction("opener === null");
    await untilLookedAgain(flow);
    expect(flow.closed).toBe(0);
    flow.say({ status: "connected" });
    expect(await settledTry(product)).toMatchObject({ result: { status: "connected" } });
  });

  test("by a page further on reports nothing while the person is in the popup", async () => {
    const { popup, flow } = await begin({ inPopup: true });
    flow.say({ status: "at_platform" });
    await untilLookedAgain(flow);
    service.page = (_request, response) =>
      void response.set(isolating).type("html").send("<!doctype html><p>sign in</p>");
    await popup.reload();
    await popup.waitForFunction("opener === null");
    await untilLookedAgain(flow);
    expect(flow.closed).toBe(0);
    await popup.close();
    await untilBack(() => flow.closed > 0, "the person is back, and the popup is gone");
  });
});

test("a page that was asleep when the code came leaves it to the popup, which has gone on with it", async () => {
  const { popup } = await begin();
  const late = { source: "oauth-token-service", status: "connected", completionCode: "the-code" };
  service.page = (_request, response) =>
    void response.type("html").send(`<!doctype html><script>
      onmessage = () => document.title = "received";
      opener.postMessage({ ...${JSON.stringify(late)}, until: Date.now() }, "*");
    </script>`);
  await popup.waitForURL(`${service.url}/**`);
  await popup.reload();
  expect(await settledTry(product)).toMatchObject({ told: ["opened", "connected"], result: { status: "connected" } });
  expect((await lastTry(product)).result).not.toHaveProperty("completionCode");
  expect([popup.isClosed(), await popup.title()], "on its way it is not disturbed").toEqual([false, ""]);
});

describe("without its stream", () => {
  test.each(["refused", "silent"] as const)("(%s) a flow is followed by looking", async (streams) => {
    service.streams = streams;
    const { flow } = await begin();
    flow.say({ status: "at_platform" });
    await isTold(product, "at_platform");
    flow.say({ status: "failed", reason: "denied" });
    expect(await settledTry(product)).toMatchObject({ told: ["opened", "at_platform", "failed"] });
    expect(flow.looks).toBeGreaterThan(0);
  });

  test("a flow goes on after the service was away", async () => {
    const { flow } = await begin();
    flow.say({ status: "at_platform" });
    await isTold(product, "at_platform");
    service.away = true;
    service.cutStreams();
    flow.say({ status: "finishing" });
    await until(() => service.missed > 1, "it is looked at in vain");
    expect((await lastTry(product)).result).toBeUndefined();
    service.away = false;
    await isTold(product, "finishing");
    flow.say({ status: "connected" });
    expect(await settledTry(product)).toMatchObject({ told: ["opened", "at_platform", "finishing", "connected"] });
  });

  test("one that the service has forgotten has expired", async () => {
    const { flow } = await begin();
    flow.say({ status: "at_platform" });
    await isTold(product, "at_platform");
    flow.forget();
    expect(await settledTry(product)).toMatchObject({ result: { status: "expired" } });
  });
});

describe("what a page is sent", () => {
  test("counts from the popup's own page of the service alone", async () => {
    const { popup, flow } = await begin();
    const forged = `{ source: "oauth-token-service", status: "connected", completionCode: "forged" }`;
    // From itself, from another window of the service, and from a popup that is somewhere else.
    await product.evaluate(`postMessage(${forged}, "*")`);
    service.page = (_request, response) =>
      void response.type("html").send(`<!doctype html><script>parent.postMessage(${forged}, "*")</script>`);
    await product.evaluate(`new Promise((done) => {
      const frame = document.createElement("iframe");
      frame.src = "${service.url}/oauth/install/jira?flow=of-a-frame";
      addEventListener("message", ({ source }) => source === frame.contentWindow && done());
      document.body.append(frame);
    })`);
    service.page = (_request, response) => void response.type("html").send("<!doctype html><p>in</p>");
    await popup.evaluate(`location.href = "${service.product.url}"`);
    await popup.waitForURL(`${service.product.url}/`);
    await popup.evaluate(`opener.postMessage(${forged}, "*")`);
    // And from the right one, what is no outcome.
    await popup.evaluate(`location.href = "${service.url}/oauth/install/jira?flow=${flow.name}"`);
    await popup.waitForURL(`${service.url}/**`);
    await popup.evaluate(`opener.postMessage({ source: "oauth-token-service", status: "at_platform" }, "*")`);
    await popup.evaluate(`opener.postMessage(null, "*"); opener.postMessage("connected", "*")`);
    expect((await lastTry(product)).told).toEqual(["opened"]);
    flow.say({ status: "failed" });
    expect(await settledTry(product)).toMatchObject({ result: { status: "failed" } });
  });

  test("that says less than was known, or nothing that is known, changes nothing", async () => {
    const { flow } = await begin();
    flow.say({ status: "finishing" });
    await isTold(product, "finishing");
    flow.say({ status: "at_platform" });
    flow.say({ status: "toString" });
    flow.say({ status: "something newer" });
    flow.say({ status: "connected" });
    expect((await settledTry(product)).told).toEqual(["opened", "finishing", "connected"]);
  });
});

describe("a product", () => {
  test("aborts: the popup closes, and the service is told", async () => {
    const { popup, flow } = await begin();
    flow.say({ status: "at_platform" });
    await isTold(product, "at_platform");
    await product.evaluate("tries.at(-1).abort.abort()");
    expect(await lastTry(product)).toMatchObject({
      told: ["opened", "at_platform", "abandoned"],
      result: { status: "abandoned" },
    });
    await until(() => popup.isClosed() && flow.closed === 1, "it is closed and told");
  });

  test("aborts as it is told that the popup is open", async () => {
    product = await openProduct(context, service.product.url);
    await product.evaluate(`
      globalThis.abort = new AbortController();
      globalThis.options = { signal: abort.signal, onStatus: () => abort.abort() };`);
    await product.getByRole("button").click();
    expect(await settledTry(product)).toMatchObject({ result: { status: "abandoned" } });
    await until(() => context.pages().length === 1, "the popup is closed");
  });

  test("has aborted before, and nothing is opened", async () => {
    product = await openProduct(context, service.product.url);
    await product.evaluate("begin({ signal: AbortSignal.abort() })");
    expect(await settledTry(product)).toMatchObject({ told: ["abandoned"], result: { status: "abandoned" } });
    expect(service.flows).toEqual([]);
  });

  test("goes to the link itself", async () => {
    product = await openProduct(context, service.product.url);
    await product.evaluate("globalThis.options = { mode: 'redirect' }");
    await product.getByRole("button").click();
    await product.waitForURL(`${service.url}/oauth/install/jira?link=made`);
    product = await openProduct(context, service.product.url);
    await product.evaluate("begin({ signal: AbortSignal.abort() })");
    await settledTry(product);
  });

  test.each(["javascript:globalThis.ran=1//oauth/install/x", "https://service.example/other", "not a link", undefined])(
    "is told that %s is no link",
    async (link) => {
      product = await openProduct(context, service.product.url);
      await product.evaluate(`begin({ link: ${JSON.stringify(link)} })`);
      expect(await settledTry(product)).toMatchObject({ told: [], result: { error: "TypeError" } });
      expect(await product.evaluate("globalThis.ran")).toBeUndefined();
    },
  );

  test("that fails while it is told ends nothing", async () => {
    product = await openProduct(context, service.product.url);
    await product.evaluate("begin({ onStatus: () => { throw new Error('of the product') } })");
    await until(() => service.flows.length > 0, "the popup arrives");
    service.flows[0]!.say({ status: "connected" });
    expect(await settledTry(product)).toMatchObject({ result: { status: "connected" } });
    expect(watch.complaints).toEqual(["of the product", "of the product"]);
  });
});

test("a popup that the browser does not open leaves the link unused; a click opens it", async () => {
  const strict = await launchChromium({ blocksPopups: true });
  const page = await openProduct(await strict.newContext(), `${service.product.url}/#begin`);
  product = await openProduct(context, service.product.url);
  await product.evaluate("begin({ signal: AbortSignal.abort() })");
  expect(await settledTry(page)).toMatchObject({ told: ["blocked"], result: { status: "blocked" } });
  expect(service.flows).toEqual([]);
  await clickConnect(page);
  await isTold(page, "opened");
  await strict.close();
});
