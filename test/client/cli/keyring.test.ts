import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createKeyring, type Keyring } from "../../../client/src/cli/accounts/keyring.ts";
import { Interrupted } from "../../../client/src/cli/failure.ts";
import { accountSecret, type LinkService, startLinkService } from "./link-service.ts";
import { createPerson, type Person } from "./person.ts";

let service: LinkService;
let person: Person;
let kept: Map<string, string>;
/** Whether it is unlocked. */
let answers: boolean;
const keyring: Keyring = {
  set: async (id, secret) => answers && kept.set(id, secret).size > 0,
  get: async (id) => (answers ? kept.get(id) : undefined),
  remove: async (id) => void (answers && kept.delete(id)),
};
beforeEach(async () => {
  service = await startLinkService();
  person = createPerson({ keyring });
  kept = new Map();
  answers = true;
});
afterEach(async () => {
  person.end();
  await service.close();
});

const login = (...more: string[]) => person.run("login", "--platform", "jira", "--service", service.url, ...more);
const file = () => readFileSync(join(person.folder, person.files()[0] ?? ""), "utf8");

test("where there is a keyring it has the secret, and the file has none", async () => {
  await login();
  expect([...kept.values()]).toEqual([accountSecret]);
  expect(file()).not.toContain(accountSecret);
  expect((await person.run("token", "--platform", "jira")).out).toBe("token-1\n");
  await person.run("logout", "--platform", "jira");
  expect([kept.size, person.files()]).toEqual([0, []]);
});

test("a keyring that does not take it leaves it to the file, and that is said", async () => {
  answers = false;
  const { code, err } = await login();
  expect(code).toBe(0);
  expect(err).toContain("keyring");
  expect(file()).toContain(accountSecret);
  answers = true;
  expect((await person.run("token", "--platform", "jira")).code).toBe(0);
});

test("--no-keyring keeps the secret in the file, and takes an older one out of the keyring", async () => {
  await login();
  await login("--no-keyring");
  expect(file()).toContain(accountSecret);
  expect(kept.size).toBe(0);
});

test("one that is locked afterwards is told, with what to do", async () => {
  await login();
  answers = false;
  const { code, err } = await person.run("token", "--platform", "jira");
  expect(code).toBe(1);
  expect(err).toContain("--no-keyring");
  expect((await person.run("logout", "--platform", "jira", "--local")).code).toBe(0);
});

const asProgram = (script: string) => createKeyring([process.execPath, "-e", script], { patienceMs: 60_000 });

test("it is asked in a process of its own, with the secret in no argument", async () => {
  const echo = asProgram(`
    process.stdin.on("data", (text) => {
      const { id, secret } = JSON.parse(text);
      const leaked = process.argv.concat(Object.values(process.env)).some((text) => text.includes("hidden"));
      console.log(JSON.stringify({ done: !leaked, secret: secret ?? "of " + id }));
    });
  `);
  expect(await echo.set("a", "hidden")).toBe(true);
  expect(await echo.get("b")).toBe("of b");
});

test("one that waits for ever, breaks, or is not there is no keyring", async () => {
  const silent = createKeyring([process.execPath, "-e", "setInterval(() => {}, 1000)"], { patienceMs: 200 });
  const broken = asProgram("process.kill(process.pid, 'SIGSEGV')");
  const talkative = asProgram("console.log('not JSON')");
  const missing = createKeyring(["/nowhere/keyring"]);
  for (const one of [silent, broken, talkative, missing]) {
    expect(await one.set("a", "secret")).toBe(false);
    expect(await one.get("a")).toBeUndefined();
  }
});

test("Ctrl-C while the keyring asks its person ends the account, and nothing is stored", async () => {
  const stop = new AbortController();
  const waiting = createKeyring([process.execPath, "-e", "setInterval(() => {}, 1000)"], { interrupt: stop.signal });
  const stopped = createPerson({
    interrupt: stop.signal,
    keyring: {
      ...waiting,
      set(id, secret) {
        const answer = waiting.set(id, secret);
        stop.abort(new Interrupted("SIGINT"));
        return answer;
      },
    },
  });
  expect((await stopped.run("login", "--platform", "jira", "--service", service.url)).code).toBe(130);
  expect(stopped.files()).toEqual([]);
  expect(service.asked.at(-1)).toMatchObject({
    method: "DELETE",
    headers: { authorization: `Bearer ${accountSecret}` },
  });
  stopped.end();
});
