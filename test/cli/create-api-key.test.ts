import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { hashOfApiKey, isApiKey } from "../../src/callers/api-key.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { fileOf, parse } from "../callers/support/caller-files.ts";

async function create(...args: readonly string[]) {
  const [printed, complained]: [string[], string[]] = [[], []];
  const code = await runCommand(["keys", "create", ...args], {
    env: {},
    readFile: () => "",
    now: () => new Date("2026-11-21T23:00:00Z"),
    random: randomBytes,
    print: (line) => void printed.push(line),
    complain: (line) => void complained.push(line),
  });
  return { code, printed, complained: complained.join("\n") };
}

test("prints a new key, and the line that stands for it in the caller file for 90 days", async () => {
  const { code, printed, complained } = await create("ci");
  const [key = "", line = "", ...rest] = printed;
  expect(code).toBe(0);
  expect(rest).toEqual([]);
  expect(isApiKey(key)).toBe(true);
  expect(line).toBe(
    `match: { api_key: "sha256:${hashOfApiKey(key).toString("hex")}", expires: 2027-02-19 }   # ci, key ${key.split("_")[1]}`,
  );
  expect(`${line}${complained}`).not.toContain(key.slice(13, 30));
  expect((await create("ci")).printed[0]).not.toBe(key);
});

test("its line is taken by the caller file without a warning", async () => {
  const [key = "", line = ""] = (await create("ci")).printed;
  const allow = "allow:\n      - { methods: [GetToken], platforms: [github], owners: [acme] }";
  const file = parse(fileOf([`name: ci\n    ${line}\n    ${allow}`]));
  expect(file.callers[0]?.identity).toMatchObject({ kind: "api_key", sha256: hashOfApiKey(key) });
  expect(file.warnings).toEqual([]);
});

test.each(["my ci", "*", "anonymous", "../ci"])("makes no key for the name %j", async (name) => {
  const { code, printed, complained } = await create(name);
  expect({ code, printed }).toEqual({ code: 1, printed: [] });
  expect(complained).toContain("a caller cannot be called");
});

test.each([[[]], [[""]], [["ci", "other"]]])("explains itself to %j", async (args) => {
  const { code, printed, complained } = await create(...args);
  expect({ code, printed }).toEqual({ code: 2, printed: [] });
  expect(complained).toContain("keys create NAME");
});
