import type { Command } from "commander";
import { labelOf } from "../accounts/account-store.ts";
import { runChild } from "../child/run-child.ts";
import { Failure, usage } from "../failure.ts";
import { keepFresh } from "../fresh/keep-fresh.ts";
import { parseTemplate, type Template } from "../fresh/template.ts";
import { refuseForeign, type TokenFile, tokenFile } from "../fresh/token-file.ts";
import { accountToken } from "../service/account-tokens.ts";
import { type AccountOptions, accountOptions, type CliCommand, chosenAccount, type Session } from "../session.ts";

interface ExecOptions extends AccountOptions {
  readonly env: readonly string[];
  readonly file?: string;
}

export const exec: CliCommand = {
  declare: (program) =>
    accountOptions(program.command("exec"))
      .description("run a command with a token in its environment")
      .argument("<command...>", "what to run, behind --")
      .option(
        "--env <name[=format]>",
        "a variable with the token, or with a text that has {access_token} in it; any number of them",
        (one: string, all: readonly string[]) => [...all, one],
        [],
      )
      .option("--file <path>", "a file (mode 0600) that has a fresh token as long as the command runs")
      .addHelpText(
        "after",
        `
The exit code is that of the command. Signals are passed on. The token is in no file unless --file names one.
A variable keeps the token that the command began with: what runs longer than a token lives reads --file.

  oauth-token exec --platform jira --env JIRA_TOKEN -- some-mcp-server
  oauth-token exec --platform jira --env 'API_HEADERS=Authorization:Bearer {access_token}' -- some-mcp-server`,
      ),
  run: runWithToken,
};

async function runWithToken(session: Session, command: Command): Promise<number> {
  const { world, output, store } = session;
  const options = command.opts<ExecOptions>();
  const variables = options.env.map(readVariable);
  if (variables.length === 0 && options.file === undefined) throw usage("say where the token goes: --env NAME");
  const [program, ...args] = command.args;
  if (program === undefined) throw usage("say what to run, behind --");
  const file = options.file === undefined ? undefined : tokenFile(options.file);
  if (file !== undefined) refuseForeign(file);

  const stored = chosenAccount(session, options);
  const key = await store.key(stored);
  const first = await accountToken(world, key);
  const env = Object.fromEntries(variables.map(({ name, fill }) => [name, fill(first.accessToken)]));
  const run = () => runChild(session, [program, ...args], env);
  if (file === undefined) return run();

  const over = new AbortController();
  file.write(`${first.accessToken}\n`);
  const keeping = keepFresh(world, key, first, fileKeeper(session, file, labelOf(stored.account)), over.signal);
  // The command goes on with the token that it has.
  const kept = keeping.catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    output.note(`there are no more fresh tokens in ${file.path}: ${error.message}`);
  });
  try {
    return await run();
  } finally {
    over.abort();
    await kept;
    remove(session, file);
  }
}

/** How the command ended is what counts. */
function remove({ output }: Session, file: TokenFile): void {
  try {
    file.remove();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    output.note(`the last token stays: ${error.message}`);
  }
}

function fileKeeper({ output }: Session, file: TokenFile, label: string) {
  return {
    take: ({ accessToken }: { readonly accessToken: string }) => void file.write(`${accessToken}\n`),
    onTrouble: (why: string) => output.note(`no fresh token for ${label} at the moment: ${why}`),
    onWell: () => output.note(`fresh tokens for ${label} again`),
  };
}

/** `NAME`, or `NAME=FORMAT`. */
function readVariable(text: string): { readonly name: string; readonly fill: Template } {
  const [, name, format] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (name === undefined) throw usage(`--env "${text.split("=")[0]}" is no name of a variable`);
  return { name, fill: parseTemplate(format ?? "{access_token}", `--env ${name}`) };
}
