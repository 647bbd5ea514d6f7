import { readFile } from "node:fs/promises";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { expect, onTestFinished, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { redirect } from "../end-to-end/support/flow.ts";
import { complete, portal } from "../end-to-end/support/links.ts";
import { useService } from "../end-to-end/support/use-service.ts";
import { createAssistant } from "./assistant.ts";

const shared = useService({ env: { ALLOWED_RETURN_ORIGINS: portal, INSTALL_MODE: "link" } });

/** What the user of a client sees of the tool, and the links that they are shown. */
async function openClient(capabilities: object, open: (url: string) => Promise<void>) {
  const assistant = createAssistant({
    service: shared.service.replicas[0]?.internalUrl ?? "",
    apiKey: "none is needed on loopback",
    owner: "user-1",
    returnTo: `${portal}/connected`,
  });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "chat", version: "1.0.0" }, { capabilities });
  const shown: string[] = [];
  if ("elicitation" in capabilities) {
    client.setRequestHandler("elicitation/create", async ({ params }) => {
      if (params.mode !== "url") throw new Error("a form");
      shown.push(params.url);
      await open(params.url);
      return { action: "accept" };
    });
  }
  await Promise.all([assistant.connect(ours), client.connect(theirs)]);
  onTestFinished(() => client.close());
  const call = async () => {
    const { content } = await client.callTool({ name: "slack-workspace", arguments: {} });
    return JSON.stringify(content);
  };
  return { call, shown };
}

/** The person presses the button, agrees at Slack, and comes back to the product, which knows who they are. */
async function connectInBrowser(url: string): Promise<void> {
  const browser = createBrowser();
  const page = await (await browser.get(url)).text();
  const button = /<a class="action" href="([^"]*)"/.exec(page)?.[1]?.replaceAll("&amp;", "&") ?? "";
  const consent = await redirect(browser, new URL(button));
  const back = await redirect(browser, await redirect(browser, consent));
  const code = back.searchParams.get("completion_code") ?? "";
  expect((await complete(shared.caller, code, "user-1")).refusal).toBeUndefined();
}

test("an assistant shows the link as it is, and goes on once Slack is connected", async () => {
  const { call, shown } = await openClient({ elicitation: { url: {} } }, connectInBrowser);
  expect(await call()).toContain("T0ACME001");
  expect(shown).toHaveLength(1);
  const [url = ""] = shown;
  // Nothing but the way to our page and the secret that is good for one install.
  expect(url).toMatch(/^http:\/\/localhost:\d+\/oauth\/install\/slack\?link=[\w-]{43}$/);
  expect(url.length).toBeLessThan(200);
  expect(await call()).toContain("T0ACME001");
  expect(shown).toHaveLength(1);
});

test("a client that opens no links is shown one as text", async () => {
  const { call } = await openClient({}, async () => undefined);
  expect(await call()).toMatch(
    /Connect Slack in your browser, then go on here\. http:\/\/localhost:\d+\/oauth\/install\/slack\?link=/,
  );
});

test("the recipe of docs/clients.md is what was run", async () => {
  const page = await readFile(new URL("../../docs/clients.md", import.meta.url), "utf8");
  const code = await readFile(new URL("assistant.ts", import.meta.url), "utf8");
  expect(page).toContain(`\`\`\`ts\n${code}\`\`\``);
});
