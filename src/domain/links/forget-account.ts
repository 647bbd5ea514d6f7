import type { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { seesAll } from "../access/access.ts";
import { type Ended, mayNotEnd, type Revoker } from "../installations/revoke-installation.ts";
import { type Doer, rowsOf } from "../model/audit-event.ts";
import type { Call } from "../model/call.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import { accountName, type Visitor } from "./account-access.ts";
import type { KnownAccount } from "./known-account.ts";
import type { LinkAccount, LinkAccountRepository } from "./link-account.ts";

/** Who wants an account forgotten: its holder, or a caller that may revoke installations. */
export type Forgetter = { readonly secret: Secret; readonly from: Visitor } | { readonly call: Call };

export type ForgetOutcome =
  | { readonly kind: "forgotten"; readonly ended: readonly Ended[] }
  /** Also for a wrong secret, and for an account that the caller may not see. */
  | { readonly kind: "unknown" };

/**
 * Forgets an account, and first revokes what its link made and nothing else was connected to since. Safe to repeat.
 * @throws ServiceError SERVICE_UNAVAILABLE; CALLER_NOT_ALLOWED for a caller that may not revoke all of it.
 */
export type ForgetAccount = (accountId: string, by: Forgetter) => Promise<ForgetOutcome>;

export function createForgetAccount(parts: {
  readonly linkAccounts: LinkAccountRepository;
  readonly knownAccount: KnownAccount;
  readonly installations: Pick<InstallationRepository, "find">;
  readonly revoker: Pick<Revoker, "endConnected">;
  readonly world: World;
}): ForgetAccount {
  const { linkAccounts, knownAccount, installations, revoker, world } = parts;

  async function find(accountId: string, by: Forgetter): Promise<LinkAccount | undefined> {
    if ("secret" in by) return knownAccount(accountId, by.secret);
    const account = await linkAccounts.find(accountId);
    return account !== undefined && by.call.access.sees(account.product, account.owner) ? account : undefined;
  }

  /** Nothing is ended unless all of it may be. */
  async function checkMayEnd(ids: readonly string[], { access }: Call): Promise<void> {
    for (const id of ids) {
      const found = await installations.find(id);
      if (found !== undefined && !seesAll(access, found)) throw mayNotEnd(found);
    }
  }

  return async (accountId, by) => {
    const account = await find(accountId, by);
    if (account === undefined) return { kind: "unknown" };
    const alone = await linkAccounts.madeAlone(account.id);
    if ("call" in by) await checkMayEnd(alone, by.call);
    const doer = "call" in by ? by.call : holder(account, by.from);
    const connected = { at: account.connectedAt, owner: account.owner };
    const ended: Ended[] = [];
    // Before it is forgotten: what a crash leaves is named by the account, and gone on with when it is asked again.
    for (const id of alone) {
      const end = await revoker.endConnected(id, connected, "the account of its link was forgotten", doer);
      if (end !== undefined) ended.push(end);
    }
    const { product: platform, owner } = account;
    const row = { kind: "account.forgotten" as const, platform, owner, detail: `${ended.length} revoked` };
    const forgotten = await linkAccounts.forget(account.id, (news) => (news ? rowsOf(doer, world.now(), [row]) : []));
    if (!forgotten) return { kind: "unknown" };
    world.log.info({ platform: account.platform, account: account.id, revoked: ended.length }, "account.forgotten");
    return { kind: "forgotten", ended };
  };
}

function holder(account: LinkAccount, { address, requestId }: Visitor): Doer {
  return { caller: accountName(account), method: "forget account", address, requestId };
}
