import { fitsHeader } from "../../calls/proof.ts";
import { Failure } from "../failure.ts";
import type { CliWorld } from "../world.ts";
import { type Answer, callService } from "./call-service.ts";
import { reasonOf, refusalOf } from "./refusal.ts";
import { readTokenPayload, type TokenPayload } from "./token-payload.ts";

/** What proves to a service that one may have an account's tokens. */
export interface AccountKey {
  readonly service: string;
  readonly platform: string;
  readonly accountId: string;
  readonly secret: string;
}

export interface FreshToken extends TokenPayload {
  /** How long it still lives, by the service's clock: this machine's may be wrong. Undefined: it does not end. */
  readonly leftMs: number | undefined;
}

/**
 * A token of the account that works; with `rejectedTokenId` another one than that.
 * @throws Failure `ACCOUNT_UNKNOWN` if the service does not know the account by this secret, or as the service refuses.
 */
export async function accountToken(
  world: CliWorld,
  account: AccountKey,
  rejectedTokenId?: string,
): Promise<FreshToken> {
  const query = rejectedTokenId === undefined ? "" : `?rejected_token_id=${encodeURIComponent(rejectedTokenId)}`;
  const { service, platform, secret } = account;
  const answer = await callService(world, {
    service,
    method: "GET",
    path: `${pathOf(account)}${query}`,
    bearer: secret,
  });
  if (answer.status === 200) {
    const payload = checked(readTokenPayload(answer.body, service), service);
    const end = payload.expireTime?.getTime();
    return { ...payload, leftMs: end === undefined ? undefined : end - (answer.time ?? world.now()) };
  }
  if (isUnknown(answer)) {
    throw new Failure(
      "notConnected",
      "ACCOUNT_UNKNOWN",
      `${service} does not know this account any more: oauth-token login --platform ${platform}`,
    );
  }
  throw refusalOf(answer, service, `token for ${platform}`);
}

/** Neither a terminal nor a line of a file or of git's may do what a token says: none has more than a header holds. */
function checked(payload: TokenPayload, service: string): TokenPayload {
  if (fitsHeader(payload.accessToken)) return payload;
  throw new Failure("failed", "UNEXPECTED_ANSWER", `${service} answered a token with characters that no token has`);
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

/** A wrong secret and an unknown account are answered alike. What a proxy says of an address is not about the account. */
function isUnknown(answer: Answer): boolean {
  return answer.status === 401 && reasonOf(answer) === "UNAUTHORIZED";
}
