import type { Command } from "commander";
import { accountToken } from "../service/account-tokens.ts";
import { shownPayload } from "../service/token-payload.ts";
import { type AccountOptions, accountOptions, type CliCommand, chosenAccount, type Session } from "../session.ts";

interface TokenOptions extends AccountOptions {
  readonly rejected?: string;
}

export const token: CliCommand = {
  declare: (program) =>
    accountOptions(program.command("token"))
      .description("print a token that works")
      .option("--rejected <token-id>", "the token_id of one that the platform has refused: gives another"),
  run: printToken,
};

async function printToken(session: Session, command: Command): Promise<number> {
  const { world, output, store } = session;
  const options = command.opts<TokenOptions>();
  const key = await store.key(chosenAccount(session, options));
  const payload = await accountToken(world, key, options.rejected);
  output.result(payload.accessToken, shownPayload(payload));
  return 0;
}
