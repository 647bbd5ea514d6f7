import type { Command } from "commander";
import type { StoredAccount } from "../accounts/account.ts";
import { labelOf } from "../accounts/account-store.ts";
import { Failure, usage } from "../failure.ts";
import { forgetAccount } from "../service/account-tokens.ts";
import { type CliCommand, chosenAccount, type Session } from "../session.ts";

interface LogoutOptions {
  readonly platform?: string;
  readonly name?: string;
  readonly all?: true;
  readonly local?: true;
}

export const logout: CliCommand = {
  declare: (program) =>
    program
      .command("logout")
      .description("end an account: revokes what it alone has connected, and forgets it here")
      .option("--platform <platform>", "such as jira, github or slack")
      .option("--name <account>", "which of several accounts")
      .option("--all", "every account, or every one of --service")
      .option("--local", "forget it here without asking the service, where it goes on until it is unused for long"),
  run: signOut,
};

/** One that cannot be ended keeps no other from it. */
async function signOut(session: Session, command: Command): Promise<number> {
  const options = command.opts<LogoutOptions>();
  let code = 0;
  for (const stored of meant(session, options)) {
    try {
      await end(session, stored, options.local === true);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      session.output.failure(error.reason, `${labelOf(stored.account)} is kept: ${error.message}`);
      code = error.exitCode;
    }
  }
  return code;
}

async function end({ world, output, store }: Session, stored: StoredAccount, local: boolean): Promise<void> {
  const { account } = stored;
  const known = local ? false : await forgetAccount(world, await store.key(stored));
  await store.remove(stored);
  const { platform, name, service, accountId } = account;
  const there = local ? ". Its service was not told" : known ? "" : ": its service did not know it any more";
  output.result(`Signed out of ${labelOf(account)}${there}.`, {
    event: "signed_out",
    ...{ platform, name, service, account_id: accountId },
    revoked: known,
  });
}

function meant(session: Session, { platform, name, all }: LogoutOptions): readonly StoredAccount[] {
  if (platform !== undefined && all === undefined) {
    return [chosenAccount(session, name === undefined ? { platform } : { platform, name })];
  }
  if (platform !== undefined || name !== undefined || all === undefined) {
    throw usage("say which account: --platform PLATFORM [--name ACCOUNT], or --all");
  }
  return session.store.list().filter(({ account }) => [account.service, undefined].includes(session.service));
}
