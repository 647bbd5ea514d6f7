import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runCommand } from "../../src/cli/run-command.ts";
import { filesOf } from "../config/load.ts";
import { runOperator } from "../support/operator.ts";

const pathOf = (name: string) => fileURLToPath(new URL(`../../rig/callers/${name}`, import.meta.url));
const [callers, cases] = await Promise.all(
  ["callers.yaml", "cases.yaml"].map((name) => readFile(pathOf(name), "utf8")),
);

async function run(
  table: string,
  options: { args?: readonly string[]; env?: Record<string, string>; file?: string } = {},
) {
  const [printed, complained]: [string[], string[]] = [[], []];
  const { args = ["/cases.yaml"], env = { AUTH_CONFIG: "/callers.yaml" }, file = callers ?? "" } = options;
  const code = await runCommand(["policy", "test", ...args], {
    env,
    readFile: filesOf({ "/cases.yaml": table, "/callers.yaml": file }),
    now: () => new Date("2026-11-21T12:00:00Z"),
    random: randomBytes,
    print: (line) => void printed.push(line),
    complain: (line) => void complained.push(line),
  });
  return { code, printed, complained: complained.join("\n") };
}

const tableOf = (...lines: readonly string[]) =>
  `version: 1\ncases:\n${lines.map((line) => `  - { ${line} }\n`).join("")}`;

describe("policy test", () => {
  test("is done with the table of the documentation, run as an operator would", async () => {
    const env = { AUTH_CONFIG: pathOf("callers.yaml") };
    expect(await runOperator(["policy", "test", pathOf("cases.yaml")], env)).toMatchObject({
      code: 0,
      stdout: "7 cases, all as expected\n",
    });
  });

  test("takes another file than the service's", async () => {
    for (const args of [
      ["/cases.yaml", "--file", "/callers.yaml"],
      ["--file", "/callers.yaml", "/cases.yaml"],
    ]) {
      expect(await run(cases ?? "", { args, env: { AUTH_CONFIG: "/missing" } })).toMatchObject({ code: 0 });
    }
  });

  test("turned round, differs in every case, and says in which and why", async () => {
    const turned = (cases ?? "").replace(
      /expect: (allow|deny)/g,
      (_, word) => `expect: ${word === "deny" ? "allow" : "deny"}`,
    );
    const { code, printed } = await run(turned);
    expect(code).toBe(1);
    expect(printed).toEqual([
      "cases[0] (the indexer reads what it indexes): expected deny, got allow",
      "cases[1] (and writes nothing): expected allow, got deny: indexer-worker may not have these permissions",
      "cases[2] (nor does it connect anything): expected allow, got deny: indexer-worker may not call CreateInstallLink",
      "cases[3] (a subject that begins alike is nobody): expected allow, got deny: this identity is no caller's",
      "cases[4] (ci sees installations of its owner by their ids): expected deny, got allow",
      "cases[5] (and nothing of installations without an owner): expected allow, got deny: ci does not see this installation",
      "cases[6] (the dashboard lists everybody's): expected deny, got allow",
      "7 of 7 cases differ",
    ]);
  });

  test.each([
    ["a platform that is not allowed", "caller: ci, method: GetToken, platform: slack"],
    ["an owner that is not allowed", "caller: ci, method: GetToken, owner: other"],
    ["a key that has expired by now", `identity: { api_key: "sha256:${"0".repeat(64)}" }, method: GetToken`],
    ["a name of a certificate that is another's", "identity: { mtls_san: web.internal }, method: ListInstallations"],
    [
      "an installation of another platform",
      "caller: ci, method: GetToken, installation: { platform: jira, owner: acme }",
    ],
  ])("denies %s", async (_, line) => {
    const file = (callers ?? "").replace("2027-01-31", "2026-11-20");
    expect(await run(tableOf(`${line}, expect: deny`), { file })).toMatchObject({ code: 0 });
  });

  test.each([
    ["a caller that there is not", "caller: indexer, method: GetToken, expect: deny", 'caller: "indexer" is no caller'],
    [
      "an issuer that there is not",
      "identity: { issuer: x, subject: y }, method: GetToken, expect: deny",
      "no such issuer",
    ],
    ["nobody", "method: GetToken, expect: deny", "a case has either a caller or an identity"],
    [
      "somebody twice",
      "caller: ci, identity: { mtls_san: x }, method: GetToken, expect: deny",
      "either a caller or an id",
    ],
    ["no method", "caller: ci, expect: deny", "cases[0].method: missing"],
    ["an unknown method", "caller: ci, method: Get, expect: deny", 'method: "Get" is unknown'],
    ["an unknown platform", "caller: ci, method: GetToken, platform: gitlab, expect: deny", '"gitlab" is unknown'],
    ["an unknown key", "caller: ci, method: GetToken, owners: acme, expect: deny", "cases[0].owners: unknown key"],
    ["no decision", "caller: ci, method: GetToken", "cases[0].expect: nothing is not a decision"],
    ["another decision", "caller: ci, method: GetToken, expect: denied", '"denied" is not a decision'],
    [
      "permissions as a list",
      "caller: ci, method: GetToken, permissions: [contents], expect: deny",
      "not a mapping of perm",
    ],
  ])("refuses a table with %s", async (_, line, message) => {
    const { code, printed, complained } = await run(tableOf(line));
    expect({ code, printed }).toEqual({ code: 1, printed: [] });
    expect(complained).toContain("the table /cases.yaml cannot be used:");
    expect(complained).toContain(message);
  });

  test("refuses an empty table, which would say nothing", async () => {
    expect((await run("version: 1\ncases: []\n")).complained).toContain("cases: the list is empty");
  });

  test("says what is wrong with the caller file", async () => {
    const { code, complained } = await run(cases ?? "", { file: (callers ?? "").replace("version: 1", "version: 2") });
    expect(code).toBe(1);
    expect(complained).toContain("the caller file /callers.yaml cannot be used:\n  version: 2 is unknown");
  });

  test("says which file it lacks", async () => {
    expect((await run(cases ?? "", { env: {} })).complained).toContain("set AUTH_CONFIG, or name it with --file");
    expect((await run(cases ?? "", { env: { AUTH_CONFIG: "/x" } })).complained).toContain("/x cannot be read (ENOENT)");
    expect((await run(cases ?? "", { args: ["/y"] })).complained).toContain("/y cannot be read (ENOENT)");
  });

  test.each([[[]], [["/cases.yaml", "more"]], [["/cases.yaml", "--file"]], [["--all"]]])(
    "explains itself to %j",
    async (args) => {
      expect(await run(cases ?? "", { args })).toMatchObject({ code: 2, printed: [] });
    },
  );
});
