import { chmodSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as tick } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Interrupted } from "../../../client/src/cli/failure.ts";
import { tokenFile } from "../../../client/src/cli/fresh/token-file.ts";
import { type LinkService, payload, startLinkService } from "./link-service.ts";
import { createPerson, type Person } from "./person.ts";

let service: LinkService;
let person: Person;
let now: number;
let end: AbortController;
let path: string;
beforeEach(async () => {
  service = await startLinkService();
  now = Date.parse("2029-12-31T23:00:00Z");
  end = new AbortController();
  person = createPerson({
    interrupt: end.signal,
    now: () => now,
    async sleep(ms) {
      now += ms;
      await tick();
    },
  });
  path = join(person.home, "made/credentials.json");
  expect((await person.run("login", "--platform", "jira", "--service", service.url)).code).toBe(0);
});
afterEach(async () => {
  person.end();
  await service.close();
});

const sync = (...options: string[]) => person.run("sync", "--platform", "jira", "--file", path, ...options);
const written = () => readFileSync(path, "utf8");

/** Answers one after another, and ends the command once they are used up. */
function answers(...given: (string | number | "drop")[]): void {
  let asked = 0;
  service.token = () => {
    const answer = given[asked++];
    if (asked >= given.length) end.abort(new Interrupted("SIGTERM"));
    if (answer === "drop") return "drop";
    if (typeof answer === "number") return { status: answer };
    const expire_time = new Date(now + 60_000).toISOString();
    return { status: 200, body: { ...payload, access_token: answer, expire_time } };
  };
}

test("a file has each token in turn, in the form that was asked for, and stays when that is ended", async () => {
  answers("one", "one", 't"wo', "unheard");
  const { code, out, err } = await sync("--json", "--template", '{"token": "{access_token}", "n": {"k": []}}\n');
  expect([code, err]).toEqual([0, ""]);
  expect(JSON.parse(written())).toEqual({ token: 't"wo', n: { k: [] } });
  expect(written()).toMatch(/\]\}\}\n$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  // The same token is not written again.
  const lines = out.trim().split("\n").slice(-2);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ event: "written", path, token_id: "t1" }),
    expect.objectContaining({ event: "written", path, token_id: "t1" }),
  ]);
  expect(out).not.toContain("one");
});

test("an outage is waited for, told once, and leaves the file as it is", async () => {
  answers("one", "drop", 503, 404, 429, "two", "unheard");
  const { code, err } = await sync();
  expect([code, written()]).toEqual([0, "two"]);
  expect(err.trim().split("\n")).toEqual([
    expect.stringContaining(`${path} stays as it is for now: ${service.url} could not be reached`),
    `${path} is kept fresh again`,
  ]);
});

test("a service that is not there yet is waited for, but not with --once", async () => {
  service.token = () => ({ status: 503 });
  expect((await sync("--once")).code).toBe(6);
  answers("drop", 503, "one", "unheard");
  const { code, err } = await sync();
  expect([code, written()]).toEqual([0, "one"]);
  expect(err.trim().split("\n")).toHaveLength(2);
});

test.each([
  ["behind", -3_600_000],
  ["ahead", 3_600_000],
])("a clock that is an hour %s asks at half of a token's life all the same", async (_, skew) => {
  const asked: number[] = [];
  service.token = () => {
    if (asked.push(now) === 3) end.abort(new Interrupted("SIGTERM"));
    const expire_time = new Date(now - skew + 60_000).toISOString();
    return {
      ...{ status: 200, headers: { date: new Date(now - skew).toUTCString() } },
      body: { ...payload, access_token: `token-${asked.length}`, expire_time },
    };
  };
  expect((await sync()).code).toBe(0);
  expect(asked.map((at) => at - (asked[0] ?? 0))).toEqual([0, 30_000, 60_000]);
});

test("a clock that is set back meanwhile keeps no token beyond its life", async () => {
  let steady = 0;
  const other = createPerson({
    interrupt: end.signal,
    now: () => now,
    monotonic: () => steady,
    async sleep(ms) {
      steady += ms;
      now += ms;
      if (steady === 15_000) now -= 3_600_000;
      await tick();
    },
  });
  try {
    await other.run("login", "--platform", "jira", "--service", service.url);
    const asked: number[] = [];
    service.token = () => {
      if (asked.push(steady) === 2) end.abort(new Interrupted("SIGTERM"));
      const expire_time = new Date(now + 60_000).toISOString();
      return { status: 200, body: { ...payload, expire_time } };
    };
    const file = join(other.home, "token");
    expect((await other.run("sync", "--platform", "jira", "--file", file)).code).toBe(0);
    expect(asked).toEqual([0, 30_000]);
  } finally {
    other.end();
  }
});

test("what somebody else did to the file is put right at the next look", async () => {
  answers("one", "one", "unheard");
  const ask = service.token;
  let asked = 0;
  service.token = (one) => {
    if (++asked === 2) {
      chmodSync(path, 0o644);
      writeFileSync(path, "broken");
    }
    return ask(one);
  };
  expect((await sync()).code).toBe(0);
  expect(written()).toBe("one");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("once there are no more tokens it ends, and says so by its exit code", async () => {
  let asked = 0;
  service.token = () =>
    ++asked === 1
      ? { status: 200, body: payload }
      : { status: 412, body: { error: { reason: "REAUTHORIZATION_REQUIRED", message: "connect again" } } };
  expect(await sync()).toMatchObject({ code: 3, err: expect.stringContaining("connect again") });
});

test("--once writes it and ends; a link to the file stays one; what hinders is said", async () => {
  const target = join(person.home, "target");
  writeFileSync(target, "");
  path = join(person.home, "link");
  symlinkSync(target, path);
  expect(await sync("--once")).toMatchObject({ code: 0 });
  expect([lstatSync(path).isSymbolicLink(), readFileSync(target, "utf8")]).toEqual([true, "token-1"]);
  // As a folder in memory is after a restart.
  rmSync(target);
  expect(await sync("--once")).toMatchObject({ code: 0 });
  expect([lstatSync(path).isSymbolicLink(), readFileSync(target, "utf8")]).toEqual([true, "token-1"]);
  const round = join(person.home, "round");
  symlinkSync(round, round);
  expect((await sync("--once", "--file", round)).code).toBe(1);
  rmSync(path);
  mkdirSync(path);
  expect(await sync("--once")).toMatchObject({ code: 2, err: expect.stringContaining("is no file") });
  path = join(target, "below");
  expect(await sync("--once")).toMatchObject({ code: 1, err: expect.stringContaining("cannot write") });
  path = join(person.home, "other");
  const template = join(person.home, "template");
  writeFileSync(template, "[default]\ntoken={access_token}\n");
  expect((await sync("--once", "--template-file", template)).code).toBe(0);
  expect(written()).toBe("[default]\ntoken=token-1\n");
  expect(await sync("--template", "none")).toMatchObject({
    code: 2,
    err: expect.stringContaining("has no {access_token}"),
  });
});

test("what somebody else put into everybody's folder is not followed", () => {
  const shared = join(person.home, "shared");
  mkdirSync(shared);
  const link = join(shared, "link");
  symlinkSync(path, link);
  const [mine, another] = [lstatSync(link).uid, lstatSync(link).uid + 1];
  expect(tokenFile(link, another).path).toBe(path);
  chmodSync(shared, 0o1777);
  expect(tokenFile(link, mine).path).toBe(path);
  expect(() => tokenFile(link, another)).toThrow("somebody else's");
});

test("a token that would end a line is written nowhere", async () => {
  service.token = () => ({ status: 200, body: { ...payload, access_token: "one\ntwo" } });
  expect((await sync("--once")).code).toBe(1);
  expect(() => written()).toThrow("ENOENT");
});
