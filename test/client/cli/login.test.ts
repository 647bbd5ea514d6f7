import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Interrupted } from "../../../client/src/cli/failure.ts";
import { accountSecret, type LinkService, linkCode, payload, startLinkService } from "./link-service.ts";
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

const login = (who = person, ...more: string[]) =>
  who.run("login", "--platform", "jira", "--service", service.url, ...more);
const polls = () => service.asked.filter(({ path }) => path.startsWith("/v1/poll/"));

test("who signs in sees code and address, and has an account in a file of mode 0600", async () => {
  const { code, out, err } = await login();
  expect(code, err).toBe(0);
  expect(out).toContain("123 4567 8901");
  expect(out).toContain(`${service.url}/link\n`);
  expect(out).toContain("Signed in to jira: acme.");
  expect(person.opened).toEqual([`${service.url}/link?code=${linkCode}`]);
  expect(service.asked[0]?.body).toEqual({ platform: "jira", client_name: "oauth-token on workstation" });
  const [file = ""] = person.files();
  expect(readFileSync(join(person.folder, file), "utf8")).toContain(accountSecret);
  expect([statSync(person.folder).mode & 0o777, statSync(join(person.folder, file)).mode & 0o777]).toEqual([
    0o700, 0o600,
  ]);
  expect(`${out}${err}`).not.toContain(accountSecret);
  expect(await person.run("token", "--platform", "jira")).toEqual({ code: 0, out: "token-1\n", err: "" });
});

test("files are 0600 under any umask, and one that others could read is told and closed", async () => {
  const before = process.umask(0o777);
  try {
    expect((await login()).code).toBe(0);
  } finally {
    process.umask(before);
  }
  const path = join(person.folder, person.files()[0] ?? "");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  chmodSync(path, 0o644);
  const { code, out, err } = await person.run("token", "--platform", "jira");
  expect([code, out]).toEqual([0, "token-1\n"]);
  expect(err).toContain("could be read by others");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("with --json every line is JSON, and none has the account's secret", async () => {
  const { out, err } = await login(person, "--json", "--no-browser");
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    { event: "link_code", link_code: linkCode, verification_url: `${service.url}/link` },
    { event: "connected", platform: "jira", name: "default", account_id: payload.account_id, organizations: ["acme"] },
  ]);
  expect(out + err).not.toContain(accountSecret);
  expect(person.opened).toEqual([]);
  const { out: token } = await person.run("--json", "token", "--platform", "jira");
  expect(JSON.parse(token)).toEqual({ ...payload, expire_time: "2030-01-01T00:00:00.000Z" });
});

test.each([
  { name: "denied", reply: { status: 403, body: { error: "access_denied" } }, code: 4, says: "denied" },
  { name: "expired", reply: { status: 410, body: { error: "expired" } }, code: 5, says: "expired" },
  {
    name: "delivered",
    reply: { status: 410, body: { error: "already_delivered" } },
    code: 1,
    says: "may have been lost on the way",
  },
  {
    name: "unknown",
    reply: { status: 401, body: { error: "unauthorized" } },
    code: 1,
    says: "does not know the link code",
  },
])("a link that is $name ends with $code", async ({ reply, code, says }) => {
  service.poll = () => reply;
  const said = await login();
  expect(said.code).toBe(code);
  expect(said.err).toContain(says);
  expect(person.files()).toEqual([]);
});

test("nobody approves: it ends with the code, by a clock that nobody sets", async () => {
  service.poll = () => ({ status: 202, body: { status: "pending" } });
  expect((await login()).code).toBe(5);
  expect(person.waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(600_000);
  expect(new Set(person.waits.slice(0, -1))).toEqual(new Set([5000]));
});

test("who is told to slow down waits as long as it says, and stays slower", async () => {
  const replies = [429, 202, 200];
  service.poll = () => {
    const status = replies.shift() ?? 500;
    if (status === 429) return { status, body: { error: "slow_down" }, headers: { "retry-after": "12" } };
    return status === 202 ? { status, body: {} } : { status, body: { ...payload, account_secret: "s" } };
  };
  expect((await login()).code).toBe(0);
  expect(person.waits).toEqual([12_000, 10_000]);
});

test("a service that restarts in the middle is waited for", async () => {
  const replies = ["drop", 503, 404, 202, 200] as const;
  let next = 0;
  service.poll = () => {
    const reply = replies[next++] ?? 200;
    if (reply === "drop") return "drop";
    return reply === 200 ? { status: 200, body: { ...payload, account_secret: "s" } } : { status: reply };
  };
  const { code, err } = await login();
  expect(code, err).toBe(0);
  expect(err.match(/Still waiting/g), "told once").toHaveLength(1);
  expect(err).toContain("answers again");
});

test("an answer that was lost on the way is told as that", async () => {
  const replies = ["drop", { status: 410, body: { error: "expired" } }] as const;
  let next = 0;
  service.poll = () => replies[next++] ?? "drop";
  const { code, err } = await login();
  expect(code).toBe(1);
  expect(err).toContain("may have been lost on the way");
});

test("a redirect is not followed with the secret", async () => {
  const other = await startLinkService();
  service.poll = () => ({ status: 302, headers: { location: `${other.url}/v1/poll/x` } });
  const { code, err } = await login();
  expect(code).toBe(1);
  expect(err).toContain(other.url);
  expect(other.asked).toEqual([]);
  await other.close();
});

test.each([
  "http://tokens.example.com",
  "ftp://127.0.0.1",
  "tokens.example.com",
  "https://me:pw@tokens.example.com",
  "http://127.0.0.1.example.com",
  "https://tokens.example.com/?a=b",
])("%s is no service, and is not asked", async (url) => {
  const fetch = () => Promise.reject(new Error("asked"));
  const careful = createPerson({ fetch });
  const { code, err } = await careful.run("login", "--platform", "jira", "--service", url);
  expect([code, err.includes("asked")]).toEqual([2, false]);
  careful.end();
});

test("a service that is asked too often says when to come again", async () => {
  service.start = () => ({ status: 429, body: { error: "slow_down" }, headers: { "retry-after": "30" } });
  const { code, err } = await login();
  expect(code).toBe(1);
  expect(err).toContain("try again in 30 s");
});

test("a service below a path is asked there", async () => {
  const below = createPerson({ env: { OAUTH_TOKEN_SERVICE_URL: `${service.url}/tokens/` } });
  await below.run("login", "--platform", "jira");
  expect(service.asked[0]?.path).toBe("/tokens/v1/link-code");
  below.end();
});

test("Ctrl-C while waiting ends with 130, and nothing is stored", async () => {
  const stop = new AbortController();
  const stopped = createPerson({ interrupt: stop.signal, onWait: () => stop.abort(new Interrupted("SIGINT")) });
  service.poll = () => ({ status: 202, body: {} });
  expect((await login(stopped)).code).toBe(130);
  expect(stopped.files()).toEqual([]);
  stopped.end();
});

test("an account that arrives after Ctrl-C is ended at its service", async () => {
  const stop = new AbortController();
  const stopped = createPerson({ interrupt: stop.signal });
  service.poll = () => {
    stop.abort(new Interrupted("SIGINT"));
    return { status: 200, body: { ...payload, account_secret: accountSecret } };
  };
  expect((await login(stopped)).code).toBe(130);
  expect(stopped.files()).toEqual([]);
  expect(service.asked.at(-1)).toMatchObject({ method: "DELETE", path: `/v1/tokens/${payload.account_id}` });
  stopped.end();
});

test("what cannot be stored after all is ended at its service", async () => {
  service.poll = () => {
    rmSync(person.folder, { recursive: true });
    writeFileSync(person.folder, "a file where a folder should be");
    return { status: 200, body: { ...payload, account_secret: accountSecret } };
  };
  expect((await login()).code).toBe(1);
  expect(service.asked.at(-1)?.method).toBe("DELETE");
});

test("where nothing can be kept nobody is asked to approve", async () => {
  writeFileSync(join(person.home, ".config"), "a file where a folder should be");
  const { code, err } = await login();
  expect(code).toBe(1);
  expect(err).toContain("cannot");
  expect(service.asked).toEqual([]);
});

test("a key of the environment goes to the start alone", async () => {
  const caller = createPerson({
    env: { OAUTH_TOKEN_SERVICE_API_KEY: "ots_key", OAUTH_TOKEN_SERVICE_URL: service.url },
  });
  expect((await caller.run("login", "--platform", "jira")).code).toBe(0);
  await caller.run("token", "--platform", "jira");
  expect(service.asked.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer ots_key",
    "Bearer poll-secret",
    `Bearer ${accountSecret}`,
  ]);
  expect(polls()).toHaveLength(1);
  caller.end();
});

test("a key that no header can hold is not shown", async () => {
  const caller = createPerson({ env: { OAUTH_TOKEN_SERVICE_API_KEY: "ots_two\nlines" } });
  const { code, out, err } = await login(caller);
  caller.end();
  expect([code, out]).toEqual([2, ""]);
  expect(err).not.toContain("ots_two");
});

test("what a service answers makes a terminal do nothing, and starts no program", async () => {
  service.start = () => ({
    status: 200,
    body: {
      link_code: "\u001b[2J123",
      poll_secret: "p",
      verification_url: "https://x.example/\u001b]0;title\u0007",
      verification_url_complete: "file:///usr/bin/calculator",
    },
  });
  const { out, err } = await login();
  for (const control of ["\u001b", "\u0007"]) expect(out + err).not.toContain(control);
  expect(person.opened).toEqual([]);
});
