import type { Command } from "commander";
import type { StoredAccount } from "../accounts/account.ts";
import { chooseAccount } from "../accounts/choose-account.ts";
import { type CredentialRequest, readCredentialRequest } from "../git/credential-request.ts";
import { gitHostsOf, isPrivate } from "../git/git-hosts.ts";
import { accountToken } from "../service/account-tokens.ts";
import type { CliCommand, Session } from "../session.ts";

/** Any name will do beside a token, and this one says what it is. */
const username = "x-access-token";

export const gitCredential: CliCommand = {
  declare: (program) =>
    program
      .command("git-credential")
      .description("a credential helper for git: answers for the hosts of the GitHub accounts")
      .argument("<operation>", "get, store or erase, as git says it")
      .option("--name <account>", "which of several accounts")
      .addHelpText(
        "after",
        "\ngit config --global credential.https://github.com.helper '!oauth-token git-credential'\n" +
          "With several accounts credential.useHttpPath=true lets the repository's owner decide.",
      ),
  run: help,
};

/** Says nothing, and does not fail, where others are to be asked: git goes on to its next helper. */
async function help(session: Session, command: Command): Promise<number> {
  const [operation] = command.args;
  // Tokens are kept by the service alone; what else git may say one day is not for us either.
  if (operation !== "get" && operation !== "erase") return 0;
  const { world } = session;
  const request = readCredentialRequest(await world.readInput());
  const stored = request === undefined ? undefined : accountFor(session, request, command.opts<{ name?: string }>());
  if (request === undefined || stored === undefined) return 0;
  const key = await session.store.key(stored);
  const token = await accountToken(world, key);
  if (operation === "erase") {
    // Git has found that it does not work. If the service has another one already there is nothing to do.
    if (request.password === token.accessToken) await accountToken(world, key, token.tokenId);
    return 0;
  }
  const { accessToken, expireTime } = token;
  const expiry = expireTime === undefined ? [] : [`password_expiry_utc=${Math.floor(expireTime.getTime() / 1000)}`];
  const lines = [`username=${username}`, `password=${accessToken}`, ...expiry];
  world.write(lines.map((line) => `${line}\n`).join(""));
  return 0;
}

function accountFor(
  { store, service }: Session,
  request: CredentialRequest,
  { name }: { readonly name?: string },
): StoredAccount | undefined {
  if (!isPrivate(request)) return undefined;
  // Who writes another name into an address means another credential.
  if (request.username !== undefined && request.username !== username) return undefined;
  const host = request.host.toLowerCase().replace(/:443$/, "");
  const fitting = store
    .list()
    .filter(({ account }) => ["github", "github-oauth"].includes(account.platform))
    .filter(({ account }) => gitHostsOf(account.apiBaseUrl).includes(host));
  const [owner = ""] = (request.path ?? "").toLowerCase().split("/");
  const owned = fitting.filter(({ account }) => account.organizations.some((one) => one.toLowerCase() === owner));
  const candidates = owned.length > 0 ? owned : fitting;
  const [first] = candidates;
  if (first === undefined) return undefined;
  const wanted = { platform: first.account.platform, name, service };
  return chooseAccount(candidates, wanted);
}
