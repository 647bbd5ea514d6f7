import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { accountSecret, type LinkService, payload, startLinkService } from "./link-service.ts";
import { createPerson, type Person } from "./person.ts";

let service: LinkService;
let person: Person;
beforeEach(async () => {
  service = await startLinkService();
  person = createPerson();
});
afterEach(async () => {
  person.end();
  await service.close();
});

const login = (platform: string, ...more: string[]) =>
  person.run("login", "--platform", platform, "--service", service.url, ...more);

test("without an account the exit code says so", async () => {
  for (const words of [["token", "--platform", "jira"], ["logout", "--platform", "jira"], ["status"]]) {
    expect((await person.run(...words)).code, words.join(" ")).toBe(3);
  }
});

test("several accounts and services are kept apart; the one without a name is meant", async () => {
  const other = await startLinkService();
  await login("jira");
  await login("jira", "--name", "work");
  other.poll = () => ({ status: 200, body: { ...payload, account_secret: "of-the-other" } });
  await person.run("login", "--platform", "slack", "--service", other.url);
  expect(person.files()).toHaveLength(3);
  expect((await person.run("token", "--platform", "jira", "--name", "work")).code).toBe(0);
  expect((await person.run("token", "--platform", "jira")).code).toBe(0);
  expect((await person.run("token", "--platform", "slack")).code).toBe(0);
  expect(other.asked.at(-1)?.headers.authorization).toBe("Bearer of-the-other");
  expect((await person.run("token", "--platform", "slack", "--service", service.url)).code).toBe(3);
  const sent = service.asked.map(({ headers }) => headers.authorization);
  expect(sent, "a secret is for its own service").not.toContain("Bearer of-the-other");
  await other.close();
});

test("two names and none of them meant is a question", async () => {
  await login("jira", "--name", "home");
  await login("jira", "--name", "work");
  const { code, err } = await person.run("token", "--platform", "jira");
  expect(code).toBe(2);
  expect(err).toContain("--name work");
});

test("commands that sign in at the same time lose nothing of each other's", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
  await Promise.all(names.map((name) => login("jira", "--name", name)));
  const { out } = await person.run("--json", "status", "--no-check");
  expect(out.trim().split("\n")).toHaveLength(20);
  expect(person.files().filter((name) => !name.endsWith(".json"))).toEqual([]);
});

test("a broken file is told and passed over, and signing in repairs it", async () => {
  await login("jira");
  const path = join(person.folder, person.files()[0] ?? "");
  writeFileSync(path, readFileSync(path, "utf8").slice(0, 40));
  const { code, err } = await person.run("token", "--platform", "jira");
  expect(code).toBe(3);
  expect(err).toContain(path);
  expect((await login("jira")).code).toBe(0);
  expect((await person.run("token", "--platform", "jira")).code).toBe(0);
});

test("what a newer version wrote is neither read nor replaced", async () => {
  await login("jira");
  const path = join(person.folder, person.files()[0] ?? "");
  const newer = JSON.stringify({ version: 2, anything: "else" });
  writeFileSync(path, newer);
  expect((await person.run("token", "--platform", "jira")).code).toBe(3);
  const { code, err } = await login("jira");
  expect([code, readFileSync(path, "utf8")]).toEqual([1, newer]);
  expect(err).toContain("newer oauth-token");
});

test.each([
  { reply: { status: 401, body: { error: "unauthorized" } }, code: 3 },
  { reply: { status: 404 }, code: 1 },
  {
    reply: { status: 400, body: { error: { reason: "REAUTHORIZATION_REQUIRED", message: "connect again" } } },
    code: 3,
  },
  { reply: { status: 503, body: { error: "PROVIDER_UNAVAILABLE", message: "jira is down" } }, code: 1 },
  { reply: { status: 400, body: { error: "INSTALLATION_REVOKED", message: "it is gone" } }, code: 3 },
  { reply: { status: 503, body: { error: "service_unavailable" } }, code: 6 },
  { reply: { status: 503 }, code: 6 },
  { reply: "drop" as const, code: 6 },
])("a token that there is not: $reply ends with $code", async ({ reply, code }) => {
  await login("jira");
  service.token = () => reply;
  const said = await person.run("--json", "token", "--platform", "jira");
  expect([said.code, said.out]).toEqual([code, ""]);
  expect(JSON.parse(said.err)).toHaveProperty("error.reason");
  expect((await person.run("status")).code).toBe(code);
});

test("what a service says, or answers as a token, makes a terminal do nothing", async () => {
  await login("jira");
  service.token = () => ({ status: 400, body: { error: "INSTALLATION_REVOKED", message: "\u001b[2Jgone" } });
  const { code, out } = await person.run("status");
  expect([code, out]).toEqual([3, expect.stringContaining("[2Jgone")]);
  expect(out).not.toContain("\u001b");
  service.token = () => ({ status: 200, body: { ...payload, access_token: "\u001b]0;title\u0007" } });
  expect(await person.run("token", "--platform", "jira")).toMatchObject({ code: 1, out: "" });
});

test("a token that the platform refused is named to the service", async () => {
  await login("jira");
  await person.run("token", "--platform", "jira", "--rejected", "t/1&x");
  expect(service.asked.at(-1)?.path).toBe(`/v1/tokens/${payload.account_id}?rejected_token_id=t%2F1%26x`);
});

test("signing out ends the account at its service and here", async () => {
  await login("jira");
  const { code, out } = await person.run("logout", "--platform", "jira");
  expect([code, out]).toEqual([0, "Signed out of jira.\n"]);
  expect(service.asked.at(-1)).toMatchObject({ method: "DELETE", path: `/v1/tokens/${payload.account_id}` });
  expect(service.asked.at(-1)?.headers.authorization).toBe(`Bearer ${accountSecret}`);
  expect(person.files()).toEqual([]);
});

test("a service that cannot be reached keeps the account, unless it is to be forgotten here alone", async () => {
  await login("jira");
  // What stands before a service may not know its routes for a moment.
  service.forget = () => ({ status: 404 });
  expect((await person.run("logout", "--all")).code).toBe(1);
  service.forget = () => "drop";
  expect((await person.run("logout", "--all")).code).toBe(6);
  expect(person.files()).toHaveLength(1);
  expect((await person.run("logout", "--all", "--local")).code).toBe(0);
  expect(person.files()).toEqual([]);
});

test("--version and --help are what was asked for", async () => {
  expect((await person.run("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  for (const words of [["--help"], ["login", "--help"], ["help", "token"]]) {
    const { code, out } = await person.run(...words);
    expect([code, out.startsWith("Usage: oauth-token")]).toEqual([0, true]);
  }
});

test.each([
  [[]],
  [["logn"]],
  [["login"]],
  [["token", "--platform", "jira", "--what"]],
  [["logout"]],
  [["token", "--platform", "jira", "--service", "nonsense"]],
  [["login", "--platform", "jira"]],
])("%j is not understood", async (words) => {
  expect((await person.run(...words)).code).toBe(2);
  const { code, out, err } = await person.run(...words, "--json");
  expect([code, out]).toEqual([2, ""]);
  for (const line of err.trim().split("\n")) expect(JSON.parse(line), line).toBeTypeOf("object");
});
