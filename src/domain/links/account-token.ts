import type { Secret } from "../../secret.ts";
import type { CallerNow } from "../connecting/link-policy.ts";
import type { Installation } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import { installationNotFound } from "../model/not-found.ts";
import type { GetToken } from "../tokens/get-token.ts";
import { accountCall, type Visitor } from "./account-access.ts";
import type { KnownAccount } from "./known-account.ts";
import type { LinkAccount } from "./link-account.ts";
import type { LinkPayload } from "./link-payload.ts";

/**
 * A fresh token of an account, on record before it is given.
 * @throws ServiceError as GetToken does; INSTALLATION_NOT_FOUND also where all that was connected moved to another owner.
 */
export type IssueToAccount = (
  account: LinkAccount,
  from: Visitor,
  asked: { readonly method: string; readonly rejectedTokenId?: string | undefined },
) => Promise<LinkPayload>;

/**
 * A fresh token for whoever has an account's secret; `rejectedTokenId` names one that the platform refused.
 * @throws ServiceError as GetToken does.
 */
export type AccountToken = (
  request: {
    readonly accountId: string;
    readonly accountSecret: Secret;
    readonly rejectedTokenId?: string | undefined;
  },
  from: Visitor,
) => Promise<{ readonly kind: "token"; readonly payload: LinkPayload } | { readonly kind: "unknown" }>;

/** The use case behind `GET /v1/tokens/{account_id}`. */
export function createAccountToken(knownAccount: KnownAccount, issueToAccount: IssueToAccount): AccountToken {
  return async ({ accountId, accountSecret, rejectedTokenId }, from) => {
    const account = await knownAccount(accountId, accountSecret);
    if (account === undefined) return { kind: "unknown" };
    const payload = await issueToAccount(account, from, { method: "account token", rejectedTokenId });
    return { kind: "token", payload };
  };
}

export function createIssueToAccount(parts: {
  readonly installations: Pick<InstallationRepository, "find">;
  readonly getToken: GetToken;
  readonly callerNow: CallerNow;
}): IssueToAccount {
  const { installations, getToken, callerNow } = parts;

  return async (account, from, { method, rejectedTokenId }) => {
    const call = accountCall(account, callerNow, from, method);
    const reached = await reachedBy(account);
    const [first] = reached;
    const { product: platform, actor, externalUserId } = account;
    if (first === undefined) throw installationNotFound(`nothing that this link connected serves ${platform} now`);
    const selector = { installationId: first.id, platform, actor, externalUserId };
    const issued = await getToken({ selector, minTtlMs: undefined, rejectedTokenId, narrowing: undefined }, call);
    return {
      accessToken: issued.token,
      tokenType: issued.tokenType,
      expiresAt: issued.expiresAt,
      scopes: issued.scopes,
      accountId: account.id,
      accountSecret: undefined,
      apiBaseUrl: issued.apiBaseUrl,
      installations: reached,
      tokenId: issued.tokenId,
    };
  };

  /** What it is given tokens of, what works first; what is revoked only where there is nothing else: its end is the answer. */
  async function reachedBy(account: LinkAccount): Promise<readonly Installation[]> {
    const found = await Promise.all(account.installationIds.map((id) => installations.find(id)));
    const own = found.filter((one) => one !== undefined).filter((one) => isReached(account, one));
    const live = own.filter(({ status }) => status !== "revoked");
    return (live.length > 0 ? live : own).toSorted(
      (a, b) => Number(b.status === "active") - Number(a.status === "active"),
    );
  }
}

/** Still its owner's, of the product that was asked for (a grant's other sites may serve others), and of the same person. */
function isReached(account: LinkAccount, { owner, products, externalUserId }: Installation): boolean {
  if (owner !== account.owner || !products.includes(account.product)) return false;
  return account.actor === undefined || externalUserId === undefined || externalUserId === account.externalUserId;
}
