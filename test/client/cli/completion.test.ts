import { execFileSync } from "node:child_process";
import { expect, test, vi } from "vitest";
import { createPerson } from "./person.ts";

/** What is printed by the package that completes, which writes by itself. */
async function printed(...args: string[]): Promise<string> {
  const person = createPerson();
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    expect((await person.run(...args)).code).toBe(0);
    return log.mock.calls.map(([line]) => line).join("\n");
  } finally {
    log.mockRestore();
    person.end();
  }
}

test.each([
  [["lo"], ["login", "logout"]],
  [
    ["login", "--no-"],
    ["--no-browser", "--no-keyring"],
  ],
  [["token", "--platform", "j"], ["jira"]],
  [
    ["completion", ""],
    ["zsh", "bash", "fish"],
  ],
])("%j is completed", async (words, expected) => {
  const suggested = (await printed("complete", "--", ...words)).split("\n").map((line) => line.split("\t")[0]);
  for (const word of expected) expect(suggested).toContain(word);
});

test("what bash reads is a script, and those of zsh and fish name the program", async () => {
  const script = await printed("completion", "bash");
  expect(script).toContain("oauth-token");
  execFileSync("bash", ["-n"], { input: script });
  for (const shell of ["zsh", "fish"]) expect(await printed("completion", shell)).toContain("oauth-token");
});

test("a shell that nobody knows is not understood", async () => {
  const person = createPerson();
  expect((await person.run("completion", "tcsh")).code).toBe(2);
  person.end();
});
