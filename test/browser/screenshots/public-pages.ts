import type { BrowserContext } from "playwright-core";
import { decide } from "../chromium.ts";
import type { Album } from "./album.ts";
import type { Stage } from "./stage.ts";

/** The pages that people come to: of the public listener. */
export async function takePublicPages(context: BrowserContext, album: Album, stage: Stage): Promise<void> {
  const { publicUrl, internalUrl, productUrl, strict } = stage;
  const page = await context.newPage();
  const take = (name: string, about: string) => album.take(page, name, about);
  const shows = async (path: string, name: string, about: string) => {
    await page.goto(publicUrl + path);
    await take(name, about);
  };

  await shows("/", "home", "The bare address, where anyone may connect");
  await page.goto(strict.publicUrl);
  await take("home-link", "The bare address, where a link is needed");
  await page.goto(`${strict.publicUrl}/oauth/install/jira`);
  await take("link-needed", "Connecting without a link");

  const link = await makeLink(internalUrl, {
    platform: "slack",
    owner: "acme",
    returnTo: productUrl,
    confirmPage: true,
  });
  await page.goto(link);
  await take("confirm", "A link that says who asks");

  await page.goto(`${publicUrl}/oauth/install/slack`);
  await decide(page, "Approve");
  await take("connected", "Connected");
  await page.goto(`${publicUrl}/oauth/install/jira`);
  await decide(page, "Deny");
  await take("denied", "Not approved");
  await shows("/oauth/result/gone", "result-gone", "A result that had its time, or is another browser's");
  await shows("/oauth/callback/jira?code=c&state=s", "attempt-unknown", "An attempt that nobody knows");
  await shows(
    "/oauth/install/jira?return_to=https://elsewhere.example",
    "return-refused",
    "A way back that is not allowed",
  );
  await shows("/oauth/install/pager", "platform-unknown", "A platform that there is not");
  const used = await makeLink(internalUrl, { platform: "jira" });
  await page.goto(used);
  await page.goto(used);
  await take("link-used", "A link that was used already");
  await shows("/nothing", "not-found", "What is not there");
}

/** What a person with a link code sees. */
export async function takeLinkCodePages(context: BrowserContext, album: Album, stage: Stage): Promise<void> {
  const { publicUrl, isPlatform } = stage;
  const page = await context.newPage();
  // The page after "yes" leads on by itself: here it stays.
  await page.route(isPlatform, (route) => route.fulfill({ status: 204 }));
  const press = (name: RegExp) => page.getByRole("button", { name }).click();
  const ask = async () => {
    const response = await fetch(`${publicUrl}/v1/link-code`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ platform: "jira", client_name: "deploy script on build-7" }),
    });
    const { verification_url_complete: url } = (await response.json()) as { verification_url_complete: string };
    await page.goto(url);
  };

  await page.goto(`${publicUrl}/link`);
  await album.take(page, "code", "Typing a program's code");
  await page.getByLabel("Code").fill("000-0000-0000");
  await press(/^Continue/);
  await album.take(page, "code-unknown", "A code that nobody knows");
  await ask();
  await press(/^Continue/);
  await album.take(page, "code-ask", "Who asks, from where, for what");
  await press(/^No/);
  await album.take(page, "code-refused", "Refused");
  await ask();
  await press(/^Continue/);
  await press(/^Yes/);
  await album.take(page, "code-onward", "On the way to the platform");
}

async function makeLink(internalUrl: string, request: Readonly<Record<string, unknown>>): Promise<string> {
  const response = await fetch(`${internalUrl}/oauth.token.v1.TokenService/CreateInstallLink`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const { url } = (await response.json()) as { url: string };
  return url;
}
