import { exitCodes, Failure } from "../failure.ts";
import { type AccountKey, accountToken } from "../service/account-tokens.ts";
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
 * gives no token for now is asked until it does.
 * @throws Failure if there will be no more: the account has ended, or a person has to connect again.
 */
export async function keepFresh(
  world: CliWorld,
  account: AccountKey,
  first: TokenPayload,
  { take, onTrouble, onWell }: FreshTokens,
  until: AbortSignal,
): Promise<void> {
  const asking = { ...world, interrupt: AbortSignal.any([world.interrupt, until]) };
  let dueAt = world.now() + waitFor(first, world.now());
  let failures = 0;
  for (;;) {
    await reach(world, dueAt, until);
    if (until.aborted) return;
    try {
      const payload = await accountToken(asking, account);
      if (until.aborted) return;
      take(payload);
      if (failures > 0) onWell();
      failures = 0;
      dueAt = world.now() + waitFor(payload, world.now());
    } catch (error) {
      if (until.aborted) return;
      if (!(error instanceof Failure) || error.exitCode === exitCodes.notConnected) throw error;
      if (failures === 0) onTrouble(error.message);
      const backoff = Math.min(retryMs.first * 2 ** Math.min(failures, 10), retryMs.most);
      failures++;
      // Many that lost one service do not come back to it at the same moment.
      dueAt = world.now() + backoff * (0.75 + Math.random() / 4);
    }
  }
}

function waitFor({ expireTime }: TokenPayload, now: number): number {
  if (expireTime === undefined) return betweenMs.most;
  const half = (expireTime.getTime() - now) / 2;
  return Math.min(Math.max(half, betweenMs.least), betweenMs.most);
}

/** By the wall clock, in short steps: timers stand still while a machine sleeps. */
async function reach(world: CliWorld, at: number, until: AbortSignal): Promise<void> {
  for (let left = at - world.now(); left > 0 && !until.aborted; left = at - world.now()) {
    await world.sleep(Math.min(left, lookMs), until);
  }
}
