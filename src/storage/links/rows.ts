import type { InferSelectModel } from "drizzle-orm";
import type { LinkAccount } from "../../domain/links/link-account.ts";
import type { LinkCode } from "../../domain/links/link-code.ts";
import type { linkAccounts, linkCodes } from "../schema.ts";

export function toLinkCode(row: InferSelectModel<typeof linkCodes>): LinkCode {
  const { id, platform, product, caller, startedAt, expiresAt, secretHash, state } = row;
  return {
    ...{ id, platform, product, caller, startedAt, expiresAt, secretHash, state },
    owner: row.owner ?? undefined,
    clientName: row.clientName ?? undefined,
    policyHash: row.policyHash ?? undefined,
    fromAddress: row.fromAddress ?? undefined,
    accountId: row.accountId ?? undefined,
  };
}

export function toLinkAccount(row: InferSelectModel<typeof linkAccounts>): LinkAccount {
  const { id, platform, product, caller, installationIds, connectedAt, previousHash: hash, previousUntil: until } = row;
  return {
    ...{ id, platform, product, caller, installationIds, connectedAt },
    owner: row.owner ?? undefined,
    actor: row.actor ?? undefined,
    externalUserId: row.externalUserId ?? undefined,
    secretHash: row.secretHash ?? undefined,
    previous: hash === null || until === null ? undefined : { hash, until },
    usedAt: row.usedAt ?? undefined,
  };
}
