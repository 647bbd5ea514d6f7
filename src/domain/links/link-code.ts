import type { Secret } from "../../secret.ts";
import type { Recording } from "../model/audit-event.ts";

/** How long a code can be used. */
export const linkSeconds = 600;
/** How long who started waits between two polls. */
export const pollSeconds = 5;
/**
 * Polls this far apart are told nothing: on their way they come closer together than they were sent. Whoever comes
 * earlier waits no longer for it, or a poll with a steady beat would never be heard again.
 */
export const pollToleranceMs = 1_000;
/** What was connected in time can be fetched for so long at least. */
export const fetchSeconds = 60;

/** Codes that can be guessed, of all that started and of each: what a guess hits follows from it. */
export const liveCodes = { inAll: 1_000, each: 250 } as const;

/** `connected`: an account waits to be fetched; `delivered`: it was. */
export type LinkState = "open" | "connected" | "denied" | "delivered";

/** One headless sign-in as it is kept: its code as a keyed hash, its secret as SHA-256. */
export interface LinkCode {
  readonly id: string;
  /** The platform that is connected: `jira`, also for Confluence. */
  readonly platform: string;
  /** What was asked for. */
  readonly product: string;
  readonly owner: string | undefined;
  /** What who started calls itself: nobody has proven it. */
  readonly clientName: string | undefined;
  /** Who started, by its proof. */
  readonly caller: string;
  readonly policyHash: string | undefined;
  readonly fromAddress: string | undefined;
  readonly startedAt: Date;
  readonly expiresAt: Date;
  readonly secretHash: string;
  readonly state: LinkState;
  /** Since it is connected. */
  readonly accountId: string | undefined;
}

/**
 * Whether a code was kept, or why not. `kept_instead`: all places were taken, and the newest code of who has most was ended
 * for it; `taken`: another one has the same digits.
 */
export type KeptCode = "kept" | "kept_instead" | "taken" | "too_many" | "too_many_of_one";

export interface LinkCodeRepository {
  /**
   * Keeps a code among the live ones, whose number is bounded; `holder` is whom it counts for. Where there is no room for it,
   * who has more than this holder would have makes some: a few who fill all places keep nobody out.
   */
  create(
    link: Omit<LinkCode, "id" | "state" | "accountId">,
    made: { readonly code: string; readonly holder: string },
    record: Recording<KeptCode>,
  ): Promise<KeptCode>;
  /** By a code that any key of the ring has hashed. */
  find(code: string): Promise<LinkCode | undefined>;
  /** Those of them that are open, whenever they end. */
  openOf(ids: readonly string[]): Promise<readonly string[]>;
  /** Takes the turn of one poll while the code is open: 0, or the milliseconds until the next is due. */
  takeTurn(id: string, now: Date): Promise<number>;
  /** Ends an open code, and gives it; undefined if it is not open any more. */
  deny(id: string, now: Date, record: Recording<LinkCode | undefined>): Promise<LinkCode | undefined>;
  /** Hands a connected code's account over, once; false if somebody was faster. */
  deliver(id: string, accountSecretHash: string, now: Date, record: Recording<boolean>): Promise<boolean>;
  /** Forgets codes that ended before `before`. */
  prune(before: Date): Promise<void>;
}

/** What an address may carry beside its code: whoever has it has not guessed. Good for as long as the code's key. */
export interface LinkProofs {
  proofOf(code: string): Secret;
  proves(code: string, proof: string): boolean;
}
