import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { startService, type TestService } from "../support/service.ts";
import { heading, launchChromium, type Watch, watchPages } from "./chromium.ts";

const keys = { dashboard: createApiKey(randomBytes).key.reveal(), tenant: createApiKey(randomBytes).key.reveal() };
const platforms = "platforms: [github, github-oauth, jira, confluence, slack, sentry]";
const entry = (name: keyof typeof keys, methods: string, owners: string) => `
  - name: ${name}
    match: { api_key: "sha256:${hashOfApiKey(keys[name]).toString("hex")}" }
    allow: [{ methods: [${methods}], ${platforms}, ${owners} }]`;
const everything =
  "ListInstallations, GetInstallation, WatchInstallations, RevokeInstallation, ListAuditEvents, CreateInstallLink";
const dashboardAlone = `version: 1\ncallers:${entry("dashboard", everything, "all_owners: true")}\n`;
const both = `${dashboardAlone}${entry("tenant", "ListInstallations, WatchInstallations", "owners: [acme]").slice(1)}\n`;

let browser: Browser;
let directory: string;
let service: TestService;
let sql: postgres.Sql;
let context: BrowserContext;
let watch: Watch;
const ids: Record<string, string> = {};

beforeAll(async () => {
  browser = await launchChromium();
  directory = await mkdtemp(join(tmpdir(), "console-"));
  await writeFile(join(directory, "callers.yaml"), both);
  service = await startService({ replicas: 2, env: { AUTH_CONFIG: join(directory, "callers.yaml") } });
  sql = postgres(service.databaseUrl, { max: 1, onnotice: () => undefined });
  ids.slack = (await service.connect("slack", { query: "?owner=acme" })).installation_id;
  ids.jira = (await service.connect("jira", { query: "?owner=umbrella" })).installation_id;
});
afterAll(async () => {
  await browser?.close();
  await sql?.end();
  await service?.close();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  context = await browser.newContext();
  watch = watchPages(context);
});
afterEach(async () => {
  // Neither a policy that was broken nor anything asked of somebody else.
  expect(watch.complaints).toEqual([]);
  expect([...watch.origins].filter((origin) => origin !== new URL(consoleUrl()).origin)).toEqual([]);
  await context.close();
});

const consoleUrl = (replica = 0) => `${service.replicas[replica]?.internalUrl}/console`;

async function signIn(as: keyof typeof keys, path = "", within = context): Promise<Page> {
  const page = await within.newPage();
  await page.goto(consoleUrl() + path);
  await page.getByLabel("API key").fill(keys[as]);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Signed in as").waitFor();
  return page;
}

const rowOf = (page: Page, id: string | undefined) => page.locator(`#connection-${id}`);
const isLive = (page: Page) => page.getByText("Live: changes appear by themselves.").waitFor();

/** What axe-core finds wrong. By the debugger, since the policy of our pages lets no script in. */
async function findings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<{
    violations: { id: string; nodes: { target: unknown[]; failureSummary: string }[] }[];
  }>("axe.run(document)");
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary}`),
  );
}

async function revokeElsewhere(id: string | undefined): Promise<void> {
  const answer = await fetch(`${service.replicas[1]?.internalUrl}/oauth/installations/${id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${keys.dashboard}` },
  });
  expect(answer.status).toBe(200);
}

test("a caller signs in by keyboard alone, and sees what that caller may see", async () => {
  const page = await context.newPage();
  await page.goto(consoleUrl());
  await page.getByLabel("API key").focus();
  await page.keyboard.type("ots_wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("alert").textContent()).toContain("No caller of this service has that key");
  // Past the link to the content.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.locator("#key:focus").waitFor();
  await page.keyboard.type(keys.tenant);
  await page.keyboard.press("Enter");
  await page.getByText("Signed in as").waitFor();
  await rowOf(page, ids.slack).waitFor();
  expect(await rowOf(page, ids.jira).count()).toBe(0);
  // The list is reached past the header at once.
  await page.keyboard.press("Tab");
  await page.locator(".skip:focus").waitFor();
  await page.getByRole("button", { name: "Sign out" }).focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("API key").waitFor();
  await page.goBack();
  expect(await page.getByText("Signed in as").count()).toBe(0);
});

test("a change at another replica shows by itself, and takes the focus from nothing", async () => {
  const made = (await service.connect("github-oauth", { query: "?owner=shown-live" })).installation_id;
  const page = await signIn("dashboard");
  await isLive(page);
  const row = rowOf(page, made);
  await row.getByRole("link").focus();
  await page.evaluate("globalThis.same = document");
  await revokeElsewhere(made);
  await row.getByText("Revoked").waitFor();
  expect(await page.getByRole("status").textContent()).toMatch(/^\S+ on GitHub \(github-oauth\): Revoked$/);
  expect(await row.locator("a:focus").count()).toBe(1);
  expect(await page.evaluate("globalThis.same === document")).toBe(true);

  const later = (await service.connect("sentry", { query: "?owner=shown-live" })).installation_id;
  await rowOf(page, later).waitFor();

  await page.goto(`${consoleUrl()}/connections/${later}`);
  await isLive(page);
  await revokeElsewhere(later);
  await page.locator("#health").getByText("Revoked", { exact: true }).first().waitFor();
  await page.locator("#trail").getByText("It was revoked").waitFor();
  expect(await page.getByRole("link", { name: "Revoke" }).count()).toBe(0);
});

test("a change that cannot be shown at once is shown as soon as it can be", async () => {
  const made = (await service.connect("github-oauth", { query: "?owner=shown-late" })).installation_id;
  const page = await signIn("dashboard");
  await isLive(page);
  let asked = 0;
  await page.route(consoleUrl(), (route) => (asked++ < 2 ? route.fulfill({ status: 429 }) : route.continue()));
  await revokeElsewhere(made);
  await rowOf(page, made).getByText("Revoked").waitFor();
  expect(asked).toBeGreaterThan(2);
});

test("a page that is told of its session's end asks by itself: that it is open is no visit of its person", async () => {
  const page = await signIn("dashboard");
  await isLive(page);
  await page.evaluate("globalThis.same = document");
  let opened = 0;
  const ended = { contentType: "text/event-stream", body: "event: signed-out\ndata: \n\n" };
  await page.route(/\/console\/changes/, (route) => (opened++ === 0 ? route.fulfill(ended) : route.continue()));
  const goesOn = page.waitForResponse((response) => response.url().includes("/changes") && opened > 1);
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await goesOn;
  expect(await page.evaluate("globalThis.same === document")).toBe(true);
});

test("revoking names what will end, and is done after that", async () => {
  const made = (await service.connect("github", { query: "?owner=to-revoke" })).installation_id;
  const page = await signIn("dashboard", `/connections/${made}`);
  expect(await heading(page)).toMatch(/ on GitHub \(github\)$/);
  await page.getByRole("link", { name: "Revoke" }).click();
  const question = await page.getByRole("main").textContent();
  for (const part of ["cannot be undone", "to-revoke", "uninstalled from the organization"]) {
    expect(question).toContain(part);
  }
  await page.getByRole("link", { name: "Leave it as it is" }).click();
  await page.getByRole("link", { name: "Revoke" }).click();
  await page.getByLabel("Why, for the record").fill("they left");
  await page.getByRole("button", { name: "Revoke it for good" }).click();
  expect(await heading(page)).toBe("Revoked");
  await page.getByRole("link", { name: "The connection" }).click();
  await page.locator("#trail").getByText("It was revoked").waitFor();
  const [row] = await sql`select status, revoke_reason from installations where id = ${made}`;
  expect(row).toEqual({ status: "revoked", revoke_reason: "they left" });
});

test("a line for the terminal is copied as it stands", async () => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await signIn("dashboard", `/connections/${ids.slack}`);
  await page.getByRole("button", { name: "Copy" }).last().click();
  await page.getByText("Copied").waitFor();
  const line = String(await page.evaluate("navigator.clipboard.readText()"));
  expect(line).toBe(await page.locator("pre").last().textContent());
  expect(line).toContain(`-d '{"installation_id":"${ids.slack}"}' 'http://localhost:`);
});

test.each([
  { name: "by day", scheme: "light", width: 1280 },
  { name: "in the dark, on a phone", scheme: "dark", width: 390 },
] as const)("every page is readable $name", async ({ scheme, width }) => {
  const shown = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 800 } });
  const seen = watchPages(shown);
  const strange = await shown.newPage();
  await strange.goto(consoleUrl());
  expect(await findings(strange), "sign-in").toEqual([]);
  await strange.close();
  const page = await signIn("dashboard", "", shown);
  const connection = `/connections/${ids.slack}`;
  const others = ["/concerns", "/connect", "/platforms", "/none"];
  for (const path of ["", "?search=nobody", connection, `${connection}/revoke`, ...others]) {
    await page.goto(consoleUrl() + path);
    expect(await findings(page), path).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth"), `${path} sticks out`).toBe(width);
  }
  expect(seen.complaints).toEqual([]);
  await shown.close();
});

test.each([
  `<script>window.ran=1</script>`,
  `"><img src=x onerror=window.ran=1>`,
  `' onmouseover=window.ran=1 x='`,
  `</script></style></title><svg onload=window.ran=1>`,
  "\u202Eevil\u2066",
])("what others call themselves is text, and runs nothing: %s", async (name) => {
  await sql`update installations set external_org_name = ${name}, owner = ${name}, installed_by = ${name},
    metadata = ${sql.json({ [name]: name })}, scopes = ${[name]} where id = ${ids.jira ?? ""}`;
  const page = await signIn("dashboard");
  await isLive(page);
  for (const path of ["", `?search=${encodeURIComponent(name)}`, `/connections/${ids.jira}`]) {
    await page.goto(consoleUrl() + path);
    expect([path, await page.evaluate("window.ran")]).toEqual([path, undefined]);
    expect(await page.locator("main img, main svg, main script, main style").count()).toBe(0);
  }
  // Also by the way on which changes come.
  await isLive(page);
  await sql`update installations set external_org_name = ${`${name} 2`}, updated_at = now() where id = ${ids.jira ?? ""}`;
  await page.getByRole("status").filter({ hasText: /2 on/ }).waitFor();
  expect(await page.evaluate("window.ran")).toBeUndefined();
});

test("without a script it shows and does the same, but for what is live", async () => {
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const page = await signIn("dashboard", "", plain);
  await rowOf(page, ids.slack).getByRole("link").click();
  expect(await heading(page)).toMatch(/ on Slack$/);
  await page.getByRole("link", { name: "Revoke" }).click();
  expect(await heading(page)).toMatch(/^Revoke .* on Slack\?$/);
  await plain.close();
});

test("whoever is taken out of the caller file is signed out where they look", async () => {
  const page = await signIn("tenant");
  const elsewhere = await browser.newContext();
  const other = await signIn("dashboard", "", elsewhere);
  await Promise.all([isLive(page), isLive(other)]);
  await writeFile(join(directory, "callers.yaml"), dashboardAlone);
  await page.getByLabel("API key").waitFor();
  expect(await page.getByRole("main").textContent()).toContain("You are signed out");
  await other.reload();
  await other.getByText("Signed in as").waitFor();
  await elsewhere.close();
});
