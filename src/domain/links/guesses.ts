import type { World } from "../../world.ts";
import { networkOf } from "../access/network.ts";
import type { RateLimits, WindowLimit } from "../connecting/address-rates.ts";

/** Wrong codes of one source (IPv6: /64), in all replicas. */
export const guessesOfOne: WindowLimit = { most: 20, windowSeconds: 600 };
/** The same of all sources together: what guessing hits follows from it. */
export const guessesOfAll: WindowLimit = { most: 400, windowSeconds: 600 };

/** Counted while nobody knows yet whether it is one: guesses made at once cannot overrun what is allowed. */
export interface Guesses {
  /** 0: it may be looked up; otherwise the milliseconds to wait. */
  begin(address: string | undefined): Promise<number>;
  /** It was no guess: this one, and no other, does not count. */
  wasRight(address: string | undefined): Promise<void>;
}

const allKey = "link guesses";

export function createGuesses({
  rateLimits,
  world,
}: {
  readonly rateLimits: RateLimits;
  readonly world: Pick<World, "log">;
}): Guesses {
  const keyOf = (address: string | undefined) => `link guess ${networkOf(address ?? "")}`;
  return {
    async begin(address) {
      // Its own limit first: whoever is beyond it uses up nothing of what all have.
      const own = await rateLimits.count(keyOf(address), guessesOfOne);
      if (own > 0) return own;
      const waitMs = await rateLimits.count(allKey, guessesOfAll);
      if (waitMs > 0) world.log.warn({ waitMs }, "link.guessing");
      return waitMs;
    },
    async wasRight(address) {
      await Promise.all([rateLimits.giveBack(keyOf(address)), rateLimits.giveBack(allKey)]);
    },
  };
}
