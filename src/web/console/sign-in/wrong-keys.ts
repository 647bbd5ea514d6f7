import { networkOf } from "../../../domain/access/network.ts";
import type { RateLimits, WindowLimit } from "../../../domain/connecting/address-rates.ts";

/** Wrong keys of one network (IPv6: /64), in all replicas. */
const wrongKeys: WindowLimit = { most: 20, windowSeconds: 600 };

/** Counted before a key is looked at, so that tries made at once cannot overrun what is allowed. */
export interface WrongKeys {
  /** Whether one more may be tried. @throws ServiceError SERVICE_UNAVAILABLE if nobody can tell. */
  mayTry(address: string | undefined): Promise<boolean>;
  /** It was a right one, and does not count. */
  wasRight(address: string | undefined): Promise<void>;
}

export function createWrongKeys(rateLimits: Pick<RateLimits, "count" | "giveBack">): WrongKeys {
  const keyOf = (address: string | undefined) => `console sign-in ${networkOf(address ?? "")}`;
  return {
    mayTry: async (address) => (await rateLimits.count(keyOf(address), wrongKeys)) <= 0,
    wasRight: (address) => rateLimits.giveBack(keyOf(address)),
  };
}
