import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as tick } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { accountSecret, type LinkService, payload, startLinkService } from "./link-service.ts";
import { createPerson, type Person } from "./person.ts";

let service: LinkService;
let person: Person;
/** The wall clock, which goes on as it is waited for. */
let now: number;
let files: Record<"out" | "token", string>;
beforeEach(async () => {
  service = await startLinkService();
  now = Date.parse("2029-12-31T23:00:00Z");
  person = createPerson({
    env: { PATH: process.env.PATH },
    now: () => now,
    async sleep(ms) {
      now += ms;
      await tick();
    },
  });
  files = { out: join(person.home, "out"), token: join(person.home, "token") };
  expect((await person.run("login", "--platform", "jira", "--service", service.url)).code).toBe(0);
});
afterEach(async () => {
  person.end();
  await service.close();
});

/** Runs a shell's script, which has `$1` to write to and `$2` for the file with the token. */
const exec = (options: readonly string[], script: string) =>
  person.run("exec", "--platform", "jira", ...options, "--", "sh", "-c", script, "sh", files.out, files.token);
const written = () => readFileSync(files.out, "utf8");

test("the command has the token in its environment alone, in the form it wants, and its exit code is ours", async () => {
  const header = '{"Authorization":"Bearer {access_token}"}';
  service.token = () => ({ status: 200, body: { ...payload, access_token: 'to"ken-1' } });
  const { code, out, err } = await exec(
    ["--env", "JIRA_TOKEN", "--env", "RAW=Bearer {access_token}={access_token}", "--env", `HEADERS=${header}`],
    'printf "%s\\n" "$JIRA_TOKEN" "$RAW" "$HEADERS" > "$1"; tr "\\0" " " < /proc/$PPID/cmdline >> "$1"; exit 7',
  );
  expect([code, out, err]).toEqual([7, "", ""]);
  const [plain, raw, json, argv] = written().split("\n");
  expect(plain).toBe('to"ken-1');
  expect(raw).toBe('Bearer to"ken-1=to"ken-1');
  expect(JSON.parse(json ?? "")).toEqual({ Authorization: 'Bearer to"ken-1' });
  expect(argv).not.toContain("ken-1");
  expect(readFileSync(join(person.folder, person.files()[0]!), "utf8")).not.toContain("ken-1");
});

test.each([
  ["kill -TERM $$", 143],
  ["kill -KILL $$", 137],
  ["exit 0", 0],
])("what ends by %s has the exit code %i, as in a shell", async (script, code) => {
  expect((await exec(["--env", "T"], script)).code).toBe(code);
});

test("a program that is not there, or cannot be run, is told from one that failed", async () => {
  const plain = join(person.home, "plain");
  writeFileSync(plain, "x");
  const run = (program: string) => person.run("exec", "--platform", "jira", "--env", "T", "--", program);
  expect(await run(join(person.home, "nothing"))).toMatchObject({
    code: 127,
    err: expect.stringContaining("is not there"),
  });
  expect(await run(plain)).toMatchObject({ code: 126, err: expect.stringContaining("may not be run") });
  const { err } = await person.run("--json", "exec", "--platform", "jira", "--env", "T", "--", plain);
  expect(JSON.parse(err)).toMatchObject({ error: { reason: "NOT_STARTED" } });
});

test("what cannot be removed afterwards is told, and the command's exit code stays", async () => {
  // A fresh token may come between the two.
  const inItsPlace = 'until rm -f "$2" && mkdir "$2" 2>/dev/null; do :; done; exit 7';
  const { code, err } = await exec(["--file", files.token], inItsPlace);
  expect([code, err]).toEqual([7, expect.stringContaining(`cannot remove ${files.token}`)]);
});

test.each([
  [[], "say where the token goes"],
  [["--env", "1X"], '"1X" is no name of a variable'],
  [["--env", "T=nothing"], "--env T has no {access_token} in it"],
  [["--file", "."], "is no file"],
])("%j is not understood, and nothing is asked or run", async (options, why) => {
  const before = service.asked.length;
  const { code, err } = await exec(options, 'touch "$1"');
  expect([code, err]).toEqual([2, expect.stringContaining(why)]);
  expect(service.asked).toHaveLength(before);
  expect(existsSync(files.out)).toBe(false);
});

test("without an account, or a service, nothing is run", async () => {
  const other = await person.run("exec", "--platform", "slack", "--env", "T", "--", "touch", files.out);
  expect(other).toMatchObject({ code: 3, err: expect.stringContaining("not signed in to slack") });
  service.token = () => "drop";
  expect((await exec(["--env", "T"], 'touch "$1"')).code).toBe(6);
  expect(existsSync(files.out)).toBe(false);
});

test("a file has a live token through five minutes of tokens that live one, and is gone with the command", async () => {
  const lifeMs = 60_000;
  const begun = now;
  let issued = 0;
  let endsAt = Number.POSITIVE_INFINITY;
  service.token = () => {
    expect(now, "asked while the last one lives").toBeLessThan(endsAt);
    // What comes after five minutes stays, so that the command finds it.
    if (now - begun <= 5 * lifeMs) issued++;
    endsAt = now + lifeMs;
    return tokenUntil(`token-${issued}`, endsAt);
  };
  const { code, err } = await exec(
    ["--file", files.token, "--env", "T"],
    'ls -l "$2" > "$1"; echo "$T" >> "$1"; until [ "$(cat "$2")" = token-11 ]; do [ -s "$2" ] || exit 9; done; cat "$2" >> "$1"',
  );
  expect([code, err]).toEqual([0, ""]);
  expect(now - begun).toBeGreaterThanOrEqual(5 * lifeMs);
  expect(written()).toMatch(/^-rw------- [^\n]*\ntoken-1\ntoken-11\n$/);
  expect(existsSync(files.token)).toBe(false);
});

test("while the service is away the last token stays, and both ends of that are told once", async () => {
  let asked = 0;
  service.token = () => {
    asked++;
    if (asked > 2 && asked < 8) return asked % 2 === 0 ? "drop" : { status: 503 };
    return tokenUntil(asked < 8 ? "token-1" : "token-2", now + 60_000);
  };
  const { code, err } = await exec(
    ["--file", files.token],
    'until [ "$(cat "$2")" = token-2 ]; do [ -s "$2" ] || exit 9; done',
  );
  expect(code).toBe(0);
  expect(err.trim().split("\n")).toEqual([
    expect.stringMatching(/^no fresh token for jira at the moment: .* is not ready \(503\)$/),
    "fresh tokens for jira again",
  ]);
});

test("a command goes on when its account has ended, with the token that it has", async () => {
  const told: string[] = [];
  const other = createPerson({
    env: { PATH: process.env.PATH },
    async sleep(ms) {
      now += ms;
      await tick();
    },
    now: () => now,
    writeError(text) {
      told.push(text);
      // Only now may the command end.
      writeFileSync(files.out, "");
    },
  });
  try {
    await other.run("login", "--platform", "jira", "--service", service.url);
    let asked = 0;
    service.token = () =>
      ++asked === 1 ? tokenUntil("token-1", now + 60_000) : { status: 401, body: { error: "unauthorized" } };
    const script = 'until [ -e "$1" ]; do [ -s "$2" ] || exit 9; done; exit 4';
    const command = ["--", "sh", "-c", script, "sh", files.out, files.token];
    expect((await other.run("exec", "--platform", "jira", "--file", files.token, ...command)).code).toBe(4);
  } finally {
    other.end();
  }
  expect(told).toEqual([expect.stringMatching(/there are no more fresh tokens in .*does not know this account/)]);
  expect(told.join()).not.toContain(accountSecret);
});

test("a file that others may read is nobody's token: it stays as it is; what an earlier run left is replaced", async () => {
  writeFileSync(files.token, "precious");
  chmodSync(files.token, 0o644);
  expect(await exec(["--file", files.token], "true")).toMatchObject({
    code: 2,
    err: expect.stringContaining("is there already"),
  });
  expect(readFileSync(files.token, "utf8")).toBe("precious");
  chmodSync(files.token, 0o600);
  const before = process.umask(0o777);
  try {
    expect((await exec(["--file", files.token], 'cat "$2" > "$1"')).code).toBe(0);
  } finally {
    process.umask(before);
  }
  chmodSync(files.out, 0o600);
  expect(written()).toBe("token-1\n");
  expect(statSync(person.home).isDirectory()).toBe(true);
});

function tokenUntil(token: string, end: number) {
  return { status: 200, body: { ...payload, access_token: token, expire_time: new Date(end).toISOString() } };
}
