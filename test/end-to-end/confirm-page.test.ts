import { expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { useService } from "./support/use-service.ts";

const shared = useService({ env: { INSTALL_MODE: "link" } });

async function linkFor(confirmPage: boolean): Promise<string> {
  const { publicUrl } = shared.service.replicas[0]!;
  const request = { platform: "github", owner: "acme", return_to: `${publicUrl}/done`, confirm_page: confirmPage };
  const { response } = await shared.caller.call("CreateInstallLink", request);
  return String(response?.url);
}

test("a link that says so shows who asks before the platform does, and is used up by the button alone", async () => {
  const url = await linkFor(true);
  const browser = createBrowser();
  // A preview, and another browser.
  for (const visitor of [createBrowser(), createBrowser(), browser]) {
    const page = await visitor.get(url);
    expect([page.status, page.headers.get("location")]).toEqual([200, null]);
    const text = await page.text();
    expect(text).toContain("anonymous");
    expect(text).toContain("acme");
    if (visitor !== browser) continue;
    const button = /<a class="action" href="([^"]*)"/.exec(text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect((await createBrowser().get(button)).status).toBe(200);
    const sent = await browser.get(button);
    const { origin } = new URL(shared.service.sandbox.github.url);
    expect([sent.status, new URL(sent.headers.get("location") ?? "").origin]).toEqual([302, origin]);
    expect((await browser.get(button)).status).toBe(403);
  }
});

test("any other link leads to the platform at once", async () => {
  const sent = await createBrowser().get(await linkFor(false));
  expect(sent.status).toBe(302);
});
