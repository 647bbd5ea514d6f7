import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { labelOf } from "../accounts/account-store.ts";
import { exitCodes, Failure, Interrupted, usage } from "../failure.ts";
import { keepFresh } from "../fresh/keep-fresh.ts";
import { parseTemplate } from "../fresh/template.ts";
import { tokenFile } from "../fresh/token-file.ts";
import { accountToken } from "../service/account-tokens.ts";
import type { TokenPayload } from "../service/token-payload.ts";
import { type AccountOptions, accountOptions, type CliCommand, chosenAccount, type Session } from "../session.ts";

interface SyncOptions extends AccountOptions {
  readonly file: string;
  readonly template?: string;
  readonly templateFile?: string;
  readonly once: boolean;
}

export const sync: CliCommand = {
  declare: (program) =>
    accountOptions(program.command("sync"))
      .description("keep a credential file fresh, until it is ended")
      .requiredOption("--file <path>", "the file (mode 0600), replaced as a whole each time")
      .option("--template <text>", "what stands in it, with {access_token} in its place (default: the token alone)")
      .option("--template-file <path>", "the same from a file")
      .option("--once", "write it once and end", false)
      .addHelpText(
        "after",
        `
The text is literal; where it is JSON, the token is written as JSON has it. A service that is away is asked until it is
back. Exit code 3 once there are no more tokens: the account has ended, or a person has to connect again.

  oauth-token sync --platform jira --file ~/.config/tool/credentials.json --template '{"token":"{access_token}"}'`,
      ),
  run: keepFile,
};

async function keepFile(session: Session, command: Command): Promise<number> {
  const { world, output, store } = session;
  const options = command.opts<SyncOptions>();
  const fill = parseTemplate(readTemplate(options), "the template");
  const file = tokenFile(options.file);
  const stored = chosenAccount(session, options);
  const key = await store.key(stored);
  const label = labelOf(stored.account);

  const take = (payload: TokenPayload) => {
    if (!file.write(fill(payload.accessToken))) return;
    const expireTime = payload.expireTime?.toISOString();
    const life = expireTime === undefined ? "" : `, which lives until ${expireTime}`;
    const fields = { path: file.path, token_id: payload.tokenId, expire_time: expireTime };
    output.result(`${file.path} has a token for ${label}${life}`, { event: "written", ...fields });
  };
  const onTrouble = (why: string) => output.note(`${file.path} stays as it is for now: ${why}`);
  const onWell = () => output.note(`${file.path} is kept fresh again`);

  const first = await accountToken(world, key).catch((error: unknown) => {
    // What is started with the machine may be there before the service is.
    if (options.once || !(error instanceof Failure) || error.exitCode !== exitCodes.unreachable) throw error;
    onTrouble(error.message);
    return undefined;
  });
  if (first !== undefined) take(first);
  if (options.once) return 0;
  await keepFresh(world, key, first, { take, onTrouble, onWell }, world.interrupt);
  const { reason } = world.interrupt;
  // To be ended is what it waits for; who presses Ctrl-C hears what shells say.
  if (reason instanceof Interrupted && reason.signal !== "SIGTERM") throw reason;
  return 0;
}

function readTemplate({ template, templateFile }: SyncOptions): string {
  if (template !== undefined && templateFile !== undefined) {
    throw usage("--template and --template-file do not go together");
  }
  if (templateFile === undefined) return template ?? "{access_token}";
  try {
    return readFileSync(templateFile, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new Failure("usage", "USAGE", `${templateFile} cannot be read (${code})`);
  }
}
