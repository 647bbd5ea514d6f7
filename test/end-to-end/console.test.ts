import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { startService, type TestService } from "../support/service.ts";
import { type ConsoleBrowser, createConsoleBrowser, hiddenFields } from "../web/support/console-browser.ts";

const keys = {
  anna: createApiKey(randomBytes).key.reveal(),
  acme: createApiKey(randomBytes).key.reveal(),
  reader: createApiKey(randomBytes).key.reveal(),
  indexer: createApiKey(randomBytes).key.reveal(),
};
type Name = keyof typeof keys;

const match = (name: Name) => `match: { api_key: "sha256:${hashOfApiKey(keys[name]).toString("hex")}" }`;
const rules = (without?: Name) =>
  `version: 1
callers:
${Object.entries({
  anna: "{ methods: [ListInstallations, CreateInstallLink], platforms: [slack, jira, confluence, sentry, github], all_owners: true, complete_in_callback: true }",
  acme: "{ methods: [ListInstallations, CreateInstallLink], platforms: [slack, jira], owners: [acme] }",
  reader: "{ methods: [ListInstallations], platforms: [jira], all_owners: true }",
  indexer: "{ methods: [GetToken], platforms: [slack], all_owners: true }",
})
  .filter(([name]) => name !== without)
  .map(([name, rule]) => `  - { name: ${name}, ${match(name as Name)}, allow: [${rule}] }`)
  .join("\n")}
`;

let directory: string;
let service: TestService;
const path = () => join(directory, "callers.yaml");

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "console-"));
  await writeFile(path(), rules());
  service = await startService({
    env: { AUTH_CONFIG: path(), SENTRY_INTEGRATION_SLUG: "", SENTRY_CLIENT_ID: "", SENTRY_CLIENT_SECRET: "" },
    replicas: 2,
  });
  await service.connect("slack", { query: "?owner=acme" });
  await service.connect("jira", { query: "?owner=umbrella" });
});

afterAll(async () => {
  await service?.close();
  await rm(directory, { recursive: true });
});

const visitor = (replica = 0) => createConsoleBrowser(service.replicas[replica]!.app.ports.internal);

async function signedIn(name: Name): Promise<ConsoleBrowser> {
  const browser = visitor();
  await browser.signIn(keys[name]);
  return browser;
}

/** What stands in the rows of the list, by owner. */
function ownersIn(page: string): readonly string[] {
  return [...page.matchAll(/data-label="Owner"><bdi>([^<]*)<\/bdi>/g)].map(([, owner = ""]) => owner);
}

describe("each caller is shown what its rules say", () => {
  test("whoever may see all owners sees all of them", async () => {
    const { status, text } = await (await signedIn("anna")).get("/console");
    expect([status, new Set(ownersIn(text))]).toEqual([200, new Set(["acme", "umbrella"])]);
  });

  test("whoever is limited to an owner sees, counts and chooses among nothing else", async () => {
    const browser = await signedIn("acme");
    const { text } = await browser.get("/console");
    expect(new Set(ownersIn(text))).toEqual(new Set(["acme"]));
    expect(text).not.toContain("umbrella");
    for (const query of ["owner=umbrella", "platform=sentry", "platform=github"]) {
      const refused = await browser.get(`/console?${query}`);
      expect([query, refused.status, ownersIn(refused.text)]).toEqual([query, 403, []]);
    }
    expect(text).not.toContain('value="github"');
    const none = await browser.get("/console?platform=jira");
    expect([none.status, ownersIn(none.text), none.text.includes("Nothing matches")]).toEqual([200, [], true]);
  });

  test("whoever is limited to a platform sees nothing of others", async () => {
    const { text } = await (await signedIn("reader")).get("/console");
    expect(new Set(ownersIn(text))).toEqual(new Set(["umbrella"]));
    expect(text).not.toMatch(/<bdi>acme<\/bdi><\/td>|Slack|\/console\/connect"/);
  });

  test("whoever may list nothing sees nothing, and is offered nothing", async () => {
    const browser = visitor();
    await expect(browser.signIn(keys.indexer)).resolves.toMatchObject({ status: 403 });
    for (const page of ["/console", "/console/connect", "/console/platforms"]) {
      const { text } = await browser.get(page);
      expect(text).not.toMatch(/acme|umbrella|Slack|Jira|SENTRY_/);
    }
  });

  test("another caller's page of the list is none", async () => {
    const made = await (await signedIn("acme")).get("/console?page=AAAA");
    expect([made.status, made.text.includes("That cannot be asked")]).toEqual([400, true]);
  });
});

describe("connecting", () => {
  test("makes a link that a person connects by, for the owner that was named", async () => {
    const browser = await signedIn("anna");
    const made = await browser.send(await browser.get("/console/connect"), "/console/connect", {
      platform: "github",
      owner: "globex",
    });
    const url = /<a class="action" href="([^"]*)"/.exec(made.text)?.[1] ?? "";
    expect([made.status, new URL(url).pathname]).toEqual([200, "/oauth/install/github"]);
    const person = await createBrowser().visit(url);
    expect(person.status).toBe(200);
    const { text } = await browser.get("/console?owner=globex");
    expect(ownersIn(text)).toEqual(["globex"]);
    expect(text).toContain("Active");
  });

  test("is not offered where nobody would complete it, and is refused to whoever tries", async () => {
    const browser = await signedIn("acme");
    const page = await browser.get("/console/connect");
    expect(page.text).toContain("There is nothing that this caller can connect from here");
    const { token = "" } = hiddenFields(page.text, "/console/sign-out");
    for (const fields of [
      { platform: "slack", owner: "acme" },
      { platform: "slack", owner: "umbrella" },
      { platform: "slack", owner: "" },
      { platform: "github", owner: "acme" },
    ]) {
      expect([fields, (await browser.post("/console/connect", { ...fields, token })).status]).toEqual([fields, 403]);
    }
  });

  test("is refused to whoever may only look", async () => {
    const browser = await signedIn("reader");
    const { token = "" } = hiddenFields((await browser.get("/console")).text, "/console/sign-out");
    expect((await browser.get("/console/connect")).status).toBe(403);
    expect((await browser.post("/console/connect", { platform: "jira", owner: "acme", token })).status).toBe(403);
  });
});

test("a platform that is not configured is shown with the settings that it lacks, to whoever may have it", async () => {
  const { text } = await (await signedIn("anna")).get("/console/platforms");
  expect(text).toContain(
    "<code>SENTRY_INTEGRATION_SLUG</code>, <code>SENTRY_CLIENT_ID</code>, <code>SENTRY_CLIENT_SECRET</code>",
  );
  expect((await (await signedIn("acme")).get("/console/platforms")).text).not.toContain("SENTRY");
});

test("a session counts on every replica", async () => {
  const browser = await signedIn("anna");
  const elsewhere = visitor(1);
  const [[, value] = ["", ""]] = [...browser.cookies];
  const port = service.replicas[1]!.app.ports.internal;
  elsewhere.cookies.set(`ots-console-${port}`, value);
  expect((await elsewhere.get("/console")).status).toBe(200);
});

test("whoever is taken out of the file is out with the next request", async () => {
  const browser = await signedIn("reader");
  const page = await browser.get("/console");
  await writeFile(path(), rules("reader"));
  const { jobs } = service.replicas[0]!;
  for (let i = 0; i < 2; i++) await jobs.run("look at the caller file");
  expect((await browser.get("/console")).status).toBe(401);
  expect((await browser.send(page, "/console/sign-out")).status).toBe(403);
  await writeFile(path(), rules());
  for (let i = 0; i < 2; i++) await jobs.run("look at the caller file");
});
