import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { atTerminal, type Terminal } from "../client/cli/pseudo-terminal.ts";
import { isAccepted } from "../end-to-end/support/platform-api.ts";
import { startService, type TestService } from "../support/service.ts";
import { decide, heading, launchChromium } from "./chromium.ts";

let browser: Browser;
let service: TestService;
let home: string;
let page: Page;
beforeAll(async () => {
  browser = await launchChromium();
  service = await startService({ sandbox: { autoApprove: false }, env: { INSTALL_MODE: "link" } });
});
afterAll(async () => {
  await browser?.close();
  await service?.close();
});
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "oauth-token-person-"));
  page = await browser.newPage();
});
afterEach(async () => {
  await page.context().close();
  rmSync(home, { recursive: true, force: true });
});

function oauthToken(...args: string[]): Terminal {
  return atTerminal(args, { HOME: home, OAUTH_TOKEN_SERVICE_URL: service.replicas[0]?.publicUrl ?? "" });
}

/** Signs in at a terminal and opens the address that it shows. */
async function login(platform: string): Promise<Terminal> {
  const terminal = oauthToken("login", "--platform", platform);
  const shown = await terminal.shows("left (Ctrl-C stops)");
  await page.goto(/^or open (http\S+)/m.exec(shown)?.[1] ?? "no address");
  const digits = (text: string) => text.replace(/\D/g, "");
  expect(digits(/code (.*)/.exec(stripVTControlCharacters(shown))?.[1] ?? "")).toBe(
    digits(await page.getByLabel("Code").inputValue()),
  );
  return terminal;
}

const press = (name: string | RegExp) => page.getByRole("button", { name }).click();
const accounts = () => readdirSync(join(home, ".config/oauth-token/accounts"));

test("a person signs in at a terminal, approves in a browser, and has a token that works", async () => {
  const terminal = await login("jira");
  await press("Continue");
  await press(/^Yes/);
  await page.waitForURL(`${service.sandbox.atlassian.url}/**`);
  await decide(page, "Approve");
  await page.waitForURL(/\/oauth\/result\//);
  expect(await heading(page)).toBe("Jira is connected");
  expect(await terminal.ended, terminal.output()).toEqual({ exitCode: 0, signal: 0 });
  expect(terminal.output()).toContain("Signed in to jira: acme, globex.");
  const token = oauthToken("--json", "token", "--platform", "jira");
  expect(await token.ended, token.output()).toEqual({ exitCode: 0, signal: 0 });
  expect(await isAccepted("jira", JSON.parse(token.output()))).toBe(true);
});

test("who says no ends the sign-in", async () => {
  const terminal = await login("slack");
  await press("Continue");
  await press("No, refuse it");
  expect(await terminal.ended).toEqual({ exitCode: 4, signal: 0 });
  expect(terminal.output()).toContain("the sign-in was denied: nothing was connected");
  expect(accounts()).toEqual([]);
});

test("a wrong code is told in the browser, and the sign-in goes on until the code has ended", async () => {
  const terminal = await login("slack");
  await page.getByLabel("Code").fill("000-0000-0000");
  await press("Continue");
  expect(await heading(page)).toBe("This code is not known");
  service.clock.advance(600_001);
  expect(await terminal.ended).toEqual({ exitCode: 5, signal: 0 });
  expect(terminal.output()).toContain("has expired without an approval");
  expect(accounts()).toEqual([]);
});
