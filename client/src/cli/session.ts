import type { Command } from "commander";
import type { StoredAccount } from "./accounts/account.ts";
import type { AccountStore } from "./accounts/account-store.ts";
import { chooseAccount } from "./accounts/choose-account.ts";
import type { Output } from "./output.ts";
import type { CliWorld } from "./world.ts";

/** What every command finds in place. */
export interface Session {
  readonly world: CliWorld;
  readonly output: Output;
  readonly store: AccountStore;
  /** What `--service` or the environment names. */
  readonly service: string | undefined;
}

/** One of the words after `oauth-token`. */
export interface CliCommand {
  /** Adds the command with its help and options. */
  declare(program: Command): Command;
  /**
   * Does its work and gives the exit code. `command` has what was typed.
   * @throws Failure, Interrupted
   */
  run(session: Session, command: Command): Promise<number>;
}

/** The options by which commands say which account they mean. */
export interface AccountOptions {
  readonly platform: string;
  readonly name?: string;
}

export function accountOptions(command: Command): Command {
  return command
    .requiredOption("--platform <platform>", "such as jira, github or slack")
    .option("--name <account>", "which of several accounts");
}

/** The account that the options mean. */
export function chosenAccount({ store, service }: Session, { platform, name }: AccountOptions): StoredAccount {
  return chooseAccount(store.list(), { platform, name, service });
}
