import { timingSafeEqual } from "node:crypto";
import type { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { type LinkAccount, type LinkAccountRepository, usedEveryMs } from "./link-account.ts";

/** The account of who has its secret; undefined for a wrong secret and an unknown account, alike. */
export type KnownAccount = (accountId: string, secret: Secret) => Promise<LinkAccount | undefined>;

export function createKnownAccount(
  linkAccounts: Pick<LinkAccountRepository, "find" | "noteUse">,
  world: Pick<World, "now">,
): KnownAccount {
  return async (accountId, secret) => {
    const account = await linkAccounts.find(accountId);
    if (account === undefined) return undefined;
    const now = world.now();
    const hash = secret.fingerprint();
    const newer = account.secretHash !== undefined && isSameHash(account.secretHash, hash);
    const { previous, usedAt } = account;
    const older = !newer && previous !== undefined && previous.until > now && isSameHash(previous.hash, hash);
    if (!newer && !older) return undefined;
    const noted = usedAt !== undefined && now.getTime() - usedAt.getTime() < usedEveryMs;
    // That the newer one has arrived is news, however lately the account was used.
    if (!noted || (newer && previous !== undefined)) {
      await linkAccounts.noteUse(account.id, now, hash);
    }
    return account;
  };
}

/** Both are SHA-256 in hex. */
export function isSameHash(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
