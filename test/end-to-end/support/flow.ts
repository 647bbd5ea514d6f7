import type { Browser } from "../../../rig/browser.ts";
import { asJson, type Connected, type Replica } from "../../support/service.ts";

/** Takes a browser through the install route and the platform's consent, up to the callback it is then sent to. */
export async function walkToCallback(replica: Replica, platform: string, browser: Browser, query = ""): Promise<URL> {
  const start = await redirect(browser, new URL(`/oauth/install/${platform}${query}`, replica.publicUrl));
  return redirect(browser, start);
}

/** Where one request is redirected to. */
export async function redirect(browser: Browser, url: URL): Promise<URL> {
  const response = await browser.get(url);
  const location = response.headers.get("location");
  if (location === null) throw new Error(`${url.pathname} answered ${response.status} and no redirect`);
  return new URL(location, url);
}

/** The same callback on another replica: browsers keep cookies by host, whatever the port. */
export function at(replica: Replica, url: URL): URL {
  return new URL(url.pathname + url.search, replica.publicUrl);
}

export interface CallbackAnswer extends Connected {
  readonly status: number;
}

/** What a callback says to a program. */
export async function callBack(browser: Browser, url: URL): Promise<CallbackAnswer> {
  const response = await browser.get(url, asJson);
  return { ...((await response.json()) as Connected), status: response.status };
}
