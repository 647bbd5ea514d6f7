import { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { rowsOf } from "../model/audit-event.ts";
import { accountName, type Visitor } from "./account-access.ts";
import type { KnownAccount } from "./known-account.ts";
import { type LinkAccountRepository, rotationMs } from "./link-account.ts";

/**
 * Gives an account another secret. The one that was presented works until the new one is first used, ten minutes at most:
 * an answer that is lost locks nobody out.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export type RotateAccountSecret = (
  accountId: string,
  secret: Secret,
  from: Visitor,
) => Promise<{ readonly kind: "rotated"; readonly secret: Secret } | { readonly kind: "unknown" }>;

export function createRotateAccountSecret(parts: {
  readonly linkAccounts: LinkAccountRepository;
  readonly knownAccount: KnownAccount;
  readonly world: World;
}): RotateAccountSecret {
  const { linkAccounts, knownAccount, world } = parts;

  return async (accountId, presented, from) => {
    const account = await knownAccount(accountId, presented);
    if (account === undefined) return { kind: "unknown" };
    const secret = new Secret(world.random(32).toString("base64url"));
    const now = world.now();
    const hashes = { presented: presented.fingerprint(), made: secret.fingerprint() };
    const times = { now, until: new Date(now.getTime() + rotationMs) };
    const { product: platform, owner } = account;
    const doer = { caller: accountName(account), method: "rotate account secret", ...from };
    const rows = rowsOf(doer, now, [{ kind: "account.secret_rotated", platform, owner }]);
    const rotated = await linkAccounts.rotate(account.id, hashes, times, (news) => (news ? rows : []));
    if (!rotated) return { kind: "unknown" };
    world.log.info({ platform: account.platform, account: account.id }, "account.secret_rotated");
    return { kind: "rotated", secret };
  };
}
