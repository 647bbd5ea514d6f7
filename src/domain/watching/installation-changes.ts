import type { Installation } from "../model/installation.ts";

/**
 * One committed change of what people see of an installation: what is counted or timed is none. `ended`: it was revoked,
 * or deleted because nobody completed it.
 */
export interface InstallationChange {
  /** From 1 on, in the order of the commits, whatever replica made them, without a gap. */
  readonly sequence: number;
  readonly kind: "created" | "updated" | "ended";
  /** By the database's clock. */
  readonly at: Date;
  /** As it was then; of one that is deleted, as it was last. What is known of its tokens and its webhook is of now, and nothing if it is another owner's now. */
  readonly installation: Installation;
  /** As it was before, where it had another owner or other products: others may have seen it. */
  readonly before: Installation | undefined;
}

/** The changes of the last week, of all replicas. `ChangeFeed` tells (`history`) when there are new ones. */
export interface InstallationChanges {
  /**
   * The changes after a sequence, oldest first, at most `limit`. Where the first one is not the next, those between are
   * forgotten.
   */
  after(sequence: number, limit: number): Promise<readonly InstallationChange[]>;
  /** The sequence of the last change; 0: there was none yet. */
  latest(): Promise<number>;
  /**
   * What tells this place from the same sequence elsewhere: in another database, or in one that was set back to an earlier
   * time and went another way. Undefined: it is forgotten, or not reached.
   */
  markOf(sequence: number): Promise<string | undefined>;
  /** Forgets what is older than a week, but never the last change. Returns how many. */
  forget(): Promise<number>;
}
