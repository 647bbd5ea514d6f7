import type { Recording } from "../model/audit-event.ts";
import type { Actor } from "../model/credential.ts";

/** How long an account's older secret works beside one that nobody has used yet: its answer may have been lost. */
export const rotationMs = 600_000;
/** An account that nobody uses ends after so long; one that nobody fetched, a day after its link. */
export const unusedMs = 180 * 86_400_000;
/** When an account was last used is written this seldom. */
export const usedEveryMs = 3_600_000;

/** What a link made: whoever has its secret gets tokens of these installations. */
export interface LinkAccount {
  readonly id: string;
  readonly platform: string;
  readonly product: string;
  readonly owner: string | undefined;
  /** Who started the link: what it may do is what the account may do. */
  readonly caller: string;
  readonly installationIds: readonly string[];
  /** Whose grant was obtained: nobody else's is served. `actor` undefined: nobody wrote that down. */
  readonly actor: Actor | undefined;
  /** Undefined where it is an organization's, or the platform did not say whose it is. */
  readonly externalUserId: string | undefined;
  readonly connectedAt: Date;
  /** SHA-256; undefined: nobody has fetched it. */
  readonly secretHash: string | undefined;
  /** The one before, until the newer one is used. */
  readonly previous: { readonly hash: string; readonly until: Date } | undefined;
  readonly usedAt: Date | undefined;
}

export interface LinkAccountRepository {
  find(id: string): Promise<LinkAccount | undefined>;
  /** Notes that this secret was used: if it is the newer one when that is written, the older one ends. */
  noteUse(id: string, now: Date, secretHash: string): Promise<void>;
  /** Replaces the secret that was presented, which works until `until` as long as nobody uses the new one; false: it is none. */
  rotate(
    id: string,
    hashes: { readonly presented: string; readonly made: string },
    times: { readonly now: Date; readonly until: Date },
    record: Recording<boolean>,
  ): Promise<boolean>;
  /** The installations that this account's link made, live, and that nothing else was connected to since. */
  madeAlone(id: string): Promise<readonly string[]>;
  /** False, and no row, if it is not there. */
  forget(id: string, record: Recording<boolean>): Promise<boolean>;
  /** Forgets what was not used since `unusedSince`, and what was connected before `unfetchedSince` and not fetched. */
  prune(unusedSince: Date, unfetchedSince: Date): Promise<void>;
}
