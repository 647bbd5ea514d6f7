import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { runCommand } from "../../src/cli/run-command.ts";

async function run(...args: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommand(args, {
    ...{ env: {}, readFile: () => "", now: () => new Date(), random: randomBytes },
    ...{ print: (line) => void out.push(line), complain: (line) => void err.push(line) },
  });
  return { code, text: out.join("\n"), err };
}

/** What bash offers behind each of these lines, the last word of which is begun. */
function offered(script: string, lines: readonly string[]): readonly (readonly string[])[] {
  const asks = lines.map((line) => {
    const words = line.split(" ").map((word) => `'${word}'`);
    return `COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _oauth_token_service; echo "\${COMPREPLY[*]}"`;
  });
  const printed = execFileSync("bash", ["-c", `${script}\n${asks.join("\n")}`], { encoding: "utf8" });
  return printed
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(" ").filter((word) => word !== ""));
}

test("bash completes commands, the words behind them, and their options", async () => {
  const { text } = await run("completion", "bash");
  const program = "oauth-token-service";
  const [all, begun, group, behind, options, passedOver, argument, value] = offered(text, [
    `${program} `,
    `${program} inst`,
    `${program} installations `,
    `${program} installations list --st`,
    `${program} move --t`,
    `${program} --json installations list --owner acme --lim`,
    `${program} installations revoke 0190a-b --y`,
    `${program} installations list --owner `,
  ]);
  expect(all).toEqual(expect.arrayContaining([...new Set(commands.map(({ words }) => words[0]))]));
  expect(begun).toEqual(["installations"]);
  expect(group?.slice(0, 3)).toEqual(["list", "show", "revoke"]);
  expect(behind).toEqual(["--status"]);
  expect(options).toEqual(["--to", "--to-none"]);
  expect(passedOver).toEqual(["--limit"]);
  expect(argument).toEqual(["--yes"]);
  expect(value).toEqual([]);
});

test.each(["zsh", "fish"])("%s is told of every command and option, with what they do", async (shell) => {
  const { code, text } = await run("completion", shell);
  expect(code).toBe(0);
  for (const { words, options, summary } of commands) {
    expect(text).toContain(words.at(-1));
    expect(text).toContain(summary.replaceAll("'", shell === "zsh" ? "'\\''" : "\\'"));
    for (const name of Object.keys(options)) expect(text).toContain(shell === "zsh" ? `'--${name}:` : `-l ${name} `);
  }
});

test("another shell is not understood", async () => {
  expect(await run("completion", "tcsh")).toMatchObject({
    code: 2,
    err: [expect.stringContaining("there is bash, zsh, fish"), expect.any(String)],
  });
});
