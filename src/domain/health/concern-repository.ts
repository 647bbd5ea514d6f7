import type { Visibility } from "../access/access.ts";
import type { NewDelivery } from "../deliveries/delivery-repository.ts";
import type { Concern, ConcernKind, Finding, ListedConcern } from "./concern.ts";
import type { ConnectionFacts } from "./connection-facts.ts";

/** Where connections that may need a person are found without looking at all others. `key` names it for its place. */
export type Source =
  /** What is on the list. */
  | { readonly key: string; readonly kind: "noted" }
  | { readonly key: string; readonly kind: "status"; readonly status: "reauthorization_required" | "suspended" }
  /** Grants that have an end before then. */
  | { readonly key: string; readonly kind: "ending"; readonly before: Date }
  /** Rotating grants that were not refreshed since then. */
  | { readonly key: string; readonly kind: "resting"; readonly platform: string; readonly before: Date }
  /** Grants that have been failing since then. */
  | { readonly key: string; readonly kind: "failing"; readonly platform: string; readonly before: Date }
  | { readonly key: string; readonly kind: "webhooks" }
  /** Every installation of a platform, in portions: those whose permissions are not all of these. */
  | {
      readonly key: string;
      readonly kind: "unapproved";
      readonly platform: string;
      readonly wanted: Readonly<Record<string, string>>;
    };

/** Some of a source. `next`: where the rest begins; undefined: there is none. */
export interface Suspects {
  readonly ids: readonly string[];
  readonly next: string | undefined;
}

/** How far the last round came in each source that it did not come to the end of, by its key; what it had no time for. */
export type Places = Readonly<Record<string, string>>;

/** What a round found of one connection. */
export interface Judged {
  readonly facts: ConnectionFacts;
  readonly findings: readonly Finding[];
  /** What could not be judged now, and stays as it was. */
  readonly undecided: readonly ConcernKind[];
}

export interface ConcernChange {
  readonly kind: "began" | "ended";
  readonly at: Date;
  readonly concern: Concern;
  readonly installation: ConnectionFacts["installation"];
}

/** The list of what needs a person, and what it is made from. All @throw ServiceError SERVICE_UNAVAILABLE. */
export interface ConcernRepository {
  /** Begins the round that is due, of all replicas', and gives where it goes on; undefined: none is, or another has it. */
  beginRound(everyMs: number): Promise<Places | undefined>;
  /** `through`: whatever was due for a look had one; else the last round that was so remains the last. */
  endRound(places: Places, through: boolean): Promise<void>;
  suspects(source: Source, after: string | undefined, limit: number): Promise<Suspects>;
  /** Those that there are. */
  facts(ids: readonly string[]): Promise<readonly ConnectionFacts[]>;
  /** When each platform last gave or confirmed a token of anybody's. */
  lastProven(platforms: readonly string[]): Promise<ReadonlyMap<string, Date>>;
  /**
   * Brings the list up to date, in one transaction with what `deliveryOf` makes of each change. Gives the changes: of
   * several who note the same at once, each change to one of them.
   */
  note(
    judged: readonly Judged[],
    deliveryOf: (change: ConcernChange) => NewDelivery | undefined,
  ): Promise<readonly ConcernChange[]>;
  /** Those of these installations, or of all: then the latest first. What may not be seen is left out. */
  list(of: ConcernFilter, visible: Visibility, limit: number): Promise<readonly ListedConcern[]>;
}

export interface ConcernFilter {
  readonly installationIds?: readonly string[] | undefined;
  readonly kind?: ConcernKind | undefined;
}
