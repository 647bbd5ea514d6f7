import type { BrowserContext } from "playwright-core";
import { decide } from "../chromium.ts";
import type { Album } from "./album.ts";
import type { Stage } from "./stage.ts";

/** The demo's product, and the console before and after something is connected. */
export async function takeProductAndConsole(context: BrowserContext, album: Album, stage: Stage): Promise<void> {
  const { internalUrl, productUrl, strict } = stage;
  const page = await context.newPage();
  const take = (name: string, about: string) => album.take(page, name, about);
  const press = (name: string | RegExp) => page.getByRole("button", { name }).first().click();

  await page.goto(`${internalUrl}/console`);
  await take("console-empty", "The console, with nothing connected");
  await page.goto(productUrl);
  await take("product", "The demo's product");
  const popup = page.waitForEvent("popup");
  await press("Connect Jira");
  const consent = await popup;
  await consent.waitForLoadState();
  await take("product-waiting", "The product while a popup is open");
  await decide(consent, "Approve");
  await Promise.race([consent.waitForEvent("close"), consent.waitForURL(`${productUrl}/`)]);
  await page.goto(productUrl);
  await page.getByRole("button", { name: "Use Jira" }).click();
  await page.getByText("was given a token").waitFor();
  await take("product-connected", "The product, connected, after its backend used a token");

  await page.goto(`${internalUrl}/console`);
  await take("console", "The console");
  const [connection] = await page.locator('a[href^="/console/connections/"]').all();
  await page.goto(internalUrl + (await connection?.getAttribute("href")));
  await take("console-connection", "One connection");
  await page.goto(`${page.url()}/revoke`);
  await take("console-revoke", "Before something is revoked");
  await page.goto(`${internalUrl}/console/concerns`);
  await take("console-concerns", "What needs a person");
  await page.goto(`${internalUrl}/console/connect`);
  await take("console-connect", "Making a link to connect by");
  await page.goto(`${internalUrl}/console/platforms`);
  await take("console-platforms", "The platforms");

  await page.goto(`${strict.internalUrl}/console`);
  await take("console-sign-in", "Signing in to the console");
  await page.getByLabel("API key").fill(strict.apiKey.replace(/.$/, "!"));
  await press("Sign in");
  await take("console-wrong-key", "A key that nobody has");
  await page.getByLabel("API key").fill(strict.apiKey);
  await press("Sign in");
  await page.goto(`${strict.internalUrl}/console/platforms`);
  await take("console-not-configured", "Platforms whose settings are missing");
}
