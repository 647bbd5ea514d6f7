import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { startService, type TestService } from "../support/service.ts";
import { heading, launchChromium, type Watch, watchPages } from "./chromium.ts";

const key = createApiKey(randomBytes).key.reveal();
const rules = `version: 1
callers:
  - name: anna
    match: { api_key: "sha256:${hashOfApiKey(key).toString("hex")}" }
    allow: [{ methods: [ListInstallations, CreateInstallLink], platforms: [slack, github], all_owners: true }]
`;

let browser: Browser;
let service: TestService;
let elsewhere: Server;
let directory: string;
let context: BrowserContext;
let watch: Watch;
/** What the other site's page is. */
let page = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "console-session-"));
  await writeFile(join(directory, "callers.yaml"), rules);
  browser = await launchChromium();
  service = await startService({ env: { AUTH_CONFIG: join(directory, "callers.yaml") } });
  elsewhere = createServer((_request, response) => response.setHeader("Content-Type", "text/html").end(page));
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  elsewhere?.close();
  await browser?.close();
  await service?.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  context = await browser.newContext();
  watch = watchPages(context);
});
afterEach(async () => {
  await context.close();
});

const here = () => `${service.replicas[0]!.internalUrl}/console`;
const port = () => (elsewhere.address() as AddressInfo).port;

async function signIn(path = ""): Promise<Page> {
  const shown = await context.newPage();
  await shown.goto(here() + path);
  await shown.getByLabel("API key").fill(key);
  await shown.getByRole("button", { name: "Sign in" }).click();
  await shown.getByRole("button", { name: "Sign out" }).waitFor();
  return shown;
}

describe("in a real browser", () => {
  test("a person signs in by the keyboard, makes a link, and signs out", async () => {
    const shown = await context.newPage();
    await shown.goto(`${here()}/connect`);
    await shown.getByLabel("API key").focus();
    await shown.keyboard.type(key);
    await shown.keyboard.press("Enter");
    await shown.getByRole("button", { name: "Make a link for Slack" }).click();
    await shown.getByRole("heading", { name: "A link to connect Slack" }).waitFor();
    await shown.getByRole("link", { name: "Connections" }).click();
    await shown.getByRole("heading", { name: "Connections" }).waitFor();
    await shown.getByRole("button", { name: "Sign out" }).click();
    await shown.getByRole("heading", { name: "Sign in" }).waitFor();
    await shown.goBack();
    expect(await heading(shown)).toBe("Sign in");
    expect(watch.complaints).toEqual([]);
  });

  test("whoever comes by a link of another site is signed in all the same", async () => {
    await signIn();
    page = `<a href="${here()}?owner=acme">the console</a>`;
    const shown = await context.newPage();
    await shown.goto(`http://127.0.0.1:${port()}/`);
    await shown.getByRole("link").click();
    await shown.getByRole("heading", { name: "Connections" }).waitFor();
    expect(shown.url()).toBe(`${here()}?owner=acme`);
    expect(watch.complaints).toEqual([]);
  });

  test.each([
    ["another site", () => `http://127.0.0.1:${port()}/`],
    ["another port of the same host", () => `http://localhost:${port()}/`],
  ])("a form of %s is refused, signed in or not", async (_where, address) => {
    const mine = await signIn();
    for (const action of ["/connect", "/sign-in", "/sign-out"]) {
      page = `<form method="post" action="${here()}${action}"><input name="platform" value="slack"><input name="key" value="${key}"><button>go</button></form>`;
      const shown = await context.newPage();
      await shown.goto(address());
      await shown.getByRole("button").click();
      await shown.getByRole("heading", { name: "Not from a page of the console" }).waitFor();
    }
    await mine.reload();
    expect(await heading(mine)).toBe("Connections");
  });
});
