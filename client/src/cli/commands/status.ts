import type { Command } from "commander";
import type { StoredAccount } from "../accounts/account.ts";
import { labelOf } from "../accounts/account-store.ts";
import { exitCodes, Failure } from "../failure.ts";
import { printable } from "../output.ts";
import { accountToken } from "../service/account-tokens.ts";
import type { CliCommand, Session } from "../session.ts";

interface StatusOptions {
  readonly platform?: string;
  readonly check: boolean;
}

export const status: CliCommand = {
  declare: (program) =>
    program
      .command("status")
      .description("list the accounts, and whether their tokens can be had")
      .option("--platform <platform>", "those of this platform alone")
      .option("--no-check", "do not ask the services"),
  run: showStatus,
};

async function showStatus(session: Session, command: Command): Promise<number> {
  const { store, service } = session;
  const { platform, check } = command.opts<StatusOptions>();
  const accounts = store
    .list()
    .filter(({ account }) => platform === undefined || account.platform === platform)
    .filter(({ account }) => service === undefined || account.service === service);
  if (accounts.length === 0) {
    throw new Failure("notConnected", "NOT_CONNECTED", "there are no accounts here: oauth-token login --platform …");
  }
  session.output.progress("Asking the services… ");
  const found = await Promise.all(
    accounts.map(async (stored) => ({ stored, state: check ? await checked(session, stored) : unchecked })),
  );
  const codes = found.map(({ stored, state }) => showOne(session, stored, state));
  return [exitCodes.unreachable, exitCodes.notConnected, exitCodes.failed].find((code) => codes.includes(code)) ?? 0;
}

interface State {
  readonly code: number;
  readonly text: string;
  readonly fields: object;
}

const unchecked: State = { code: exitCodes.done, text: "not asked", fields: {} };

function showOne(session: Session, { account, kept }: StoredAccount, state: State): number {
  const { platform, name, service, accountId, organizations, since } = account;
  const text = [
    `${session.output.strong(labelOf(account))} at ${service}: ${printable(state.text)}`,
    ...(organizations.length === 0 ? [] : [`  ${organizations.map(printable).join(", ")}`]),
  ];
  session.output.result(text.join("\n"), {
    ...{ platform, name, service, account_id: accountId, organizations, since },
    secret_in: kept.kind,
    ...state.fields,
  });
  return state.code;
}

async function checked({ world, store }: Session, stored: StoredAccount): Promise<State> {
  try {
    const { expireTime } = await accountToken(world, await store.key(stored));
    const until = expireTime?.toISOString();
    return {
      code: exitCodes.done,
      text: until === undefined ? "connected" : `connected, its token lives until ${until}`,
      fields: { status: "connected", ...(until === undefined ? {} : { expire_time: until }) },
    };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { exitCode: code, reason, message } = error;
    return { code, text: message, fields: { status: statusOf(code), reason, message } };
  }
}

function statusOf(code: number): string {
  if (code === exitCodes.notConnected) return "not_connected";
  return code === exitCodes.unreachable ? "unreachable" : "failed";
}
