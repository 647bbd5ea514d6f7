import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { nearName } from "../../src/cli/near-name.ts";
import { runCommand } from "../../src/cli/run-command.ts";

/** Runs the command line in this process, with no settings. */
function run(...args: readonly string[]) {
  return runWith({}, ...args);
}

async function runWith(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommand(args, {
    ...{ env, readFile: () => "", now: () => new Date("2026-11-26T00:00:00Z"), random: randomBytes },
    ...{ print: (line) => void out.push(line), complain: (line) => void err.push(line) },
  });
  return { code, out, err };
}

const names = commands.map(({ words }) => words.join(" "));

describe("help", () => {
  test("lists every command, in one screen", async () => {
    const { code, out, err } = await run("--help");
    expect({ code, err }).toEqual({ code: 0, err: [] });
    for (const name of names) expect(out[0]).toContain(`\n  ${name}`);
    const lines = out[0]?.split("\n") ?? [];
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(await run("-h")).toEqual(await run("help"));
  });

  test.each(names)("of %s is the same wherever it is asked for, and loads nothing", async (name) => {
    const words = name.split(" ");
    const { code, out, err } = await run("help", ...words);
    expect({ code, err }).toEqual({ code: 0, err: [] });
    expect(out[0]).toMatch(new RegExp(`^usage: oauth-token-service ${name}( |$)`));
    expect(out[0]).toContain("\n  --json");
    for (const args of [
      [...words, "--help"],
      [...words, "-h"],
      ["--help", ...words],
    ]) {
      expect((await run(...args)).out).toEqual(out);
    }
    expect(Math.max(...(out[0] ?? "").split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test("of a group lists its commands", async () => {
    for (const args of [
      ["keys", "--help"],
      ["help", "keys"],
    ]) {
      const { code, out } = await run(...args);
      expect(code).toBe(0);
      expect(out[0]).toContain("keys create NAME");
      expect(out[0]).not.toContain("rotate");
    }
  });

  test("does not mind what else is wrong with the number of arguments", async () => {
    expect(await run("move", "--help")).toMatchObject({ code: 0, err: [] });
  });
});

test("--version is that of the package", async () => {
  expect(await run("--version")).toEqual({ code: 0, out: ["0.1.0"], err: [] });
  expect((await run("--version", "--json")).out).toEqual([`{"version":"0.1.0"}`]);
});

describe("what is not understood", () => {
  test.each([
    [["rotat"], "there is no command rotat: did you mean rotate?"],
    [["halth", "--address", "x"], "there is no command halth: did you mean health?"],
    [["key", "generate"], "there is no command key: did you mean keys generate?"],
    [["keys", "generat"], "there is no command keys generat: did you mean keys generate?"],
    [["policy-test", "x"], "there is no command policy-test: did you mean policy test?"],
    [["keys"], "keys is no command by itself: there are keys generate, keys create"],
    [["frobnicate"], "there is no command frobnicate"],
    [["help", "rotat"], "there is no command rotat: did you mean rotate?"],
    [["--verison"], "there is no --verison: did you mean --version?"],
    [[], "no command was given"],
    [["health", "--adress", "x"], "there is no --adress: did you mean --address?"],
    [["health", "--address=a", "--address=b"], "--address was given twice"],
    [["health", "--address", "-x"], "--address needs a value: one that begins with a dash is written --address=-x"],
    [["health", "-a"], "there is no -a"],
    [["health", "--constructor"], "there is no --constructor"],
    [["offboard", "acme", "--yes=no"], "--yes takes no value"],
    [["offboard", "acme", "--no-yes"], "there is no --no-yes"],
    [["rotate", "now"], 'there is no place for "now"'],
    [["audit", "verify", "--from", "yesterday"], '--from "yesterday" is no time: write it as 2026-01-31 or'],
  ])("%j: %s", async (args, why) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: [] });
    expect(err[0]).toContain(why);
    expect(err[1]).toMatch(/^usage: oauth-token-service /);
    expect(err).toHaveLength(2);
    // The same as one document.
    const asJson = await run("--json", ...args);
    expect({ ...asJson, err: asJson.err.length }).toEqual({ code: 2, out: [], err: 1 });
    const { error, hint, usage } = JSON.parse(asJson.err[0] ?? "");
    expect([hint === undefined ? error : `${error}: ${hint}`, usage]).toEqual(err);
  });

  test("takes what begins with a dash behind two of them", async () => {
    // Understood: what is wrong is that there is no caller file.
    expect(await run("policy", "test", "--", "--json")).toMatchObject({ code: 1, out: [] });
  });
});

describe("--json", () => {
  test("gives the result as one document, wherever it stands", async () => {
    for (const args of [
      ["--json", "keys", "generate"],
      ["keys", "--json", "generate"],
      ["keys", "generate", "--json"],
    ]) {
      const { code, out } = await run(...args);
      expect({ code, lines: out.length }).toEqual({ code: 0, lines: 1 });
      expect(JSON.parse(out[0] ?? "")).toEqual({ key: expect.stringMatching(/^[\w-]{43}=$/) });
    }
  });

  test("gives what is said beside it as JSON too, and no line that is meant for people", async () => {
    const { out, err } = await run("keys", "create", "ci", "--json");
    expect(out).toHaveLength(1);
    expect(JSON.parse(out[0] ?? "")).toMatchObject({
      name: "ci",
      key: expect.stringMatching(/^ots_/),
      expires: "2027-02-24",
    });
    expect(err.map((line) => Object.keys(JSON.parse(line)))).toEqual([["message"]]);
  });

  test("gives a failure as JSON, with the same exit code", async () => {
    const plain = await run("migrate");
    const { code, out, err } = await run("migrate", "--json");
    expect({ code, out }).toEqual({ code: plain.code, out: [] });
    expect(err.map((line) => JSON.parse(line))).toEqual([{ error: plain.err[0] }]);
  });

  test("is an argument like any other behind two dashes", async () => {
    expect(await run("keys", "generate", "--", "--json")).toMatchObject({
      code: 2,
      err: [expect.stringContaining('there is no place for "--json"'), expect.any(String)],
    });
  });
});

test.each([
  ["rotate", ["rotate", "move"], "rotate"],
  ["ROTATE", ["rotate"], "rotate"],
  ["too", ["to", "to-none"], "to"],
  ["service", ["service-role"], "service-role"],
  ["x", ["to", "yes"], undefined],
  ["", ["to"], undefined],
])("%s is near to one of %j: %s", (given, known, meant) => {
  expect(nearName(given, known)).toBe(meant);
});

test.each([
  ["move", crypto.randomUUID(), "--to-none"],
  ["offboard", "acme"],
  ["dead-grants"],
  ["rotate"],
  ["audit", "verify"],
])("%s makes no database where there is none", async (...args) => {
  const directory = join(tmpdir(), `oauth-token-service-${crypto.randomUUID()}`);
  expect(await runWith({ DATA_DIR: directory }, ...args)).toEqual({
    code: 1,
    out: [],
    err: [`there is no database in ${directory}: set DATA_DIR, or DATABASE_URL`],
  });
  expect(existsSync(directory)).toBe(false);
});
