import { Failure } from "../failure.ts";
import type { CliWorld } from "../world.ts";
import { callService } from "./call-service.ts";
import { reasonOf, refusalOf } from "./refusal.ts";
import { readTokenPayload, type TokenPayload } from "./token-payload.ts";

/** What proves to a service that one may have an account's tokens. */
export interface AccountKey {
  readonly service: string;
  readonly platform: string;
  readonly accountId: string;
  readonly secret: string;
}

/**
 * A token of the account that works; with `rejectedTokenId` another one than that.
 * @throws Failure `ACCOUNT_UNKNOWN` if the service does not know the account by this secret, or as the service refuses.
 */
export async function accountToken(
  world: CliWorld,
  account: AccountKey,
  rejectedTokenId?: string,
): Promise<TokenPayload> {
  const query = rejectedTokenId === undefined ? "" : `?rejected_token_id=${encodeURIComponent(rejectedTokenId)}`;
  const { service, platform, secret } = account;
  const answer = await callService(world, {
    service,
    method: "GET",
    path: `${pathOf(account)}${query}`,
    bearer: secret,
  });
  if (answer.status === 200) return readTokenPayload(answer.body, service);
  if (isUnknown(answer)) {
    throw new Failure(
      "notConnected",
      "ACCOUNT_UNKNOWN",
      `${service} does not know this account for ${platform} any more`,
    );
  }
  throw refusalOf(answer, service, `token for ${platform}`);
}

/** Ends the account at its service, with what it alone connected. Gives whether there was one. */
export async function forgetAccount(world: CliWorld, account: AccountKey): Promise<boolean> {
  const { service, secret } = account;
  const answer = await callService(world, { service, method: "DELETE", path: pathOf(account), bearer: secret });
  if (answer.status >= 200 && answer.status < 300) return true;
  if (isUnknown(answer)) return false;
  throw refusalOf(answer, service, "end of the account");
}

function pathOf({ accountId }: AccountKey): string {
  return `/v1/tokens/${encodeURIComponent(accountId)}`;
}

/** A wrong secret and an unknown account are answered alike; a refusal of the token itself has a reason of its own. */
function isUnknown(answer: Parameters<typeof reasonOf>[0]): boolean {
  const reason = reasonOf(answer);
  const { status } = answer;
  return (status === 401 || status === 404) && (reason === undefined || !/^INSTALLATION_/.test(reason));
}
