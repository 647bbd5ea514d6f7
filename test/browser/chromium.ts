import type { BrowserContext, Page } from "playwright-core";

export { launchChromium } from "../../rig/chromium.ts";

/** What a person's browser did and complained about while its pages were open. */
export interface Watch {
  /** The origins of everything that was asked for, apart from what the browser itself had. */
  readonly origins: ReadonlySet<string>;
  readonly complaints: readonly string[];
}

export function watchPages(context: BrowserContext): Watch {
  const origins = new Set<string>();
  const complaints: string[] = [];
  context.on("request", (request) => void origins.add(new URL(request.url()).origin));
  context.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // A navigation that another one overtakes is aborted.
    if (why !== "net::ERR_ABORTED") complaints.push(`${new URL(request.url()).pathname} failed: ${why}`);
  });
  context.on("console", (message) => {
    // A page with an error status is one on purpose: ours have 400 to 502.
    const isStatus = /the server responded with a status of (4\d\d|502)/.test(message.text());
    if (message.type() === "error" && !isStatus) complaints.push(message.text());
  });
  context.on("weberror", (error) => void complaints.push(error.error().message));
  return { origins, complaints };
}

/** Clicks what a person clicks on a consent page. */
export async function decide(page: Page, decision: "Approve" | "Deny", choice?: string): Promise<void> {
  if (choice !== undefined) await page.getByRole("radio", { name: choice }).check();
  await page.getByRole("button", { name: decision }).click();
}

/** The heading of the page that is shown. */
export function heading(page: Page): Promise<string | null> {
  return page.getByRole("heading", { level: 1 }).textContent();
}
