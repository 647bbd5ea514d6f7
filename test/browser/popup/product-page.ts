import type { BrowserContext, Page } from "playwright-core";

/** What a product's page has noted of one call of the helper. */
export interface Try {
  readonly told: readonly string[];
  readonly result?: Readonly<Record<string, unknown>>;
  /** Whether a status came after the promise had settled. */
  readonly toldAfterEnd?: boolean;
}

/** Clicks the product's button, as a person does, and gives the popup that opens. */
export async function clickConnect(page: Page): Promise<Page> {
  const [popup] = await Promise.all([
    page.waitForEvent("popup"),
    page.getByRole("button", { name: "Connect" }).click(),
  ]);
  return popup;
}

/** The call that was made last. */
export function lastTry(page: Page): Promise<Try> {
  return page.evaluate("(({ told, result, toldAfterEnd }) => ({ told, result, toldAfterEnd }))(tries.at(-1))");
}

/** A person who has closed the popup is back at the page: headless windows are given no focus by themselves. */
export async function isBack(page: Page, until: string): Promise<void> {
  await page.waitForFunction(`(dispatchEvent(new Event("focus")), ${until})`);
}

/** The same once its promise has settled. */
export async function settledTry(page: Page): Promise<Try> {
  await page.waitForFunction("tries.at(-1)?.result !== undefined");
  return lastTry(page);
}

/** Waits until the product has been told this. */
export async function isTold(page: Page, status: string): Promise<void> {
  await page.waitForFunction(`tries.at(-1)?.told.includes("${status}")`);
}

/** The product's page in a tab of its own. */
export async function openProduct(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction("globalThis.begin !== undefined");
  return page;
}
