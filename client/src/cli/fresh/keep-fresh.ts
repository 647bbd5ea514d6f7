import { exitCodes, Failure } from "../failure.ts";
import { type AccountKey, accountToken, type FreshToken } from "../service/account-tokens.ts";
import type { TokenPayload } from "../service/token-payload.ts";
import type { CliWorld } from "../world.ts";

/** What is done with tokens as they come, and what is told of trouble on the way. */
export interface FreshTokens {
  /** Given every answer of the service, the same token again, too. @throws whatever ends the whole. */
  readonly take: (payload: TokenPayload) => void;
  /** The last token stays in use: told once, until it is over. */
  readonly onTrouble: (why: string) => void;
  readonly onWell: () => void;
}

/** Looked at so often whether the time has come: a machine that slept is late by no more. */
const lookMs = 15_000;
const retryMs = { first: 1_000, most: 60_000 };
/** Between questions about one token, whatever is said of its end. */
const betweenMs = { least: 2_000, most: 15 * 60_000 };

/**
 * Asks the service again and again, at half of what a token has left to live, until `until` is aborted. A service that
 * gives no token for now is asked until it does; without a `first` one it gave none at the beginning, and that was told.
 * @throws Failure if there will be no more: the account has ended, or a person has to connect again.
 */
export async function keepFresh(
  world: CliWorld,
  account: AccountKey,
  first: FreshToken | undefined,
  { take, onTrouble, onWell }: FreshTokens,
  until: AbortSignal,
): Promise<void> {
  const asking = { ...world, interrupt: AbortSignal.any([world.interrupt, until]) };
  let failures = first === undefined ? 1 : 0;
  let waitMs = first === undefined ? pauseAfter(0) : waitFor(first);
  for (;;) {
    await pass(world, waitMs, until);
    if (until.aborted) return;
    try {
      const payload = await accountToken(asking, account);
      if (until.aborted) return;
      take(payload);
      if (failures > 0) onWell();
      failures = 0;
      waitMs = waitFor(payload);
    } catch (error) {
      if (until.aborted) return;
      if (!(error instanceof Failure) || error.exitCode === exitCodes.notConnected) throw error;
      if (failures === 0) onTrouble(error.message);
      waitMs = pauseAfter(failures);
      failures++;
    }
  }
}

function waitFor({ leftMs }: FreshToken): number {
  if (leftMs === undefined) return betweenMs.most;
  return Math.min(Math.max(leftMs / 2, betweenMs.least), betweenMs.most);
}

/** Many that lost one service do not come back to it at the same moment. */
function pauseAfter(failures: number): number {
  return Math.min(retryMs.first * 2 ** Math.min(failures, 10), retryMs.most) * (0.75 + Math.random() / 4);
}

/** In short steps and by the faster of two clocks: one stands still while a machine sleeps, the other may be set back. */
async function pass(world: CliWorld, ms: number, until: AbortSignal): Promise<void> {
  const [wall, steady] = [world.now(), world.monotonic()];
  const left = () => ms - Math.max(world.now() - wall, world.monotonic() - steady);
  for (let leftMs = left(); leftMs > 0 && !until.aborted; leftMs = left()) {
    await world.sleep(Math.min(leftMs, lookMs), until);
  }
}
