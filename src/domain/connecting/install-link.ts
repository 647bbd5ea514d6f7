import type { Recording } from "../model/audit-event.ts";

/** What a link says of the attempt that begins with it. */
export interface LinkFacts {
  /** Who made the link, for the record. */
  readonly caller: string;
  /** SHA-256 of the caller file that allowed it. */
  readonly policyHash: string | undefined;
  /** The product it was made for. */
  readonly product: string;
  /** Asked for in addition to the configured scopes. */
  readonly scopes: readonly string[];
  /** The installation to reconnect; nothing else may come back. */
  readonly installationId: string | undefined;
  /** Whether what is obtained waits for CompleteInstall by the owner. */
  readonly awaitsOwner: boolean;
  /** Whether the person is told who asks, for whom, before being sent to the platform. */
  readonly confirmPage?: boolean | undefined;
  /**
   * There was no link: the install began at the platform. What is obtained waits for whoever claims it, and belongs to
   * the owner that CompleteInstall names.
   */
  readonly unbegun?: boolean | undefined;
  /** The link code that a person approved: what is obtained is active at once, whoever's it is. */
  readonly linkCodeId?: string | undefined;
}

/** A link as it is kept: its secret as SHA-256 only. */
export interface StoredLink {
  readonly platform: string;
  readonly owner: string | undefined;
  /** Checked when the link was made. */
  readonly returnTo: string | undefined;
  readonly expiresAt: Date;
  readonly facts: LinkFacts;
}

export type SpendOutcome =
  | { readonly kind: "spent"; readonly link: StoredLink }
  /** A link of another platform is as unknown as one that nobody made. */
  | {
      readonly kind: "refused";
      readonly why: "unknown" | "used" | "expired";
      /** Where it would have led back to. */
      readonly returnTo?: string | undefined;
    };

export interface LinkRepository {
  /** The link if it can be spent now; spends nothing. */
  look(secretHash: string, platform: string, now: Date): Promise<StoredLink | undefined>;
  /** `record`: rows of the same transaction. */
  create(link: StoredLink, secretHash: string, now: Date, record?: Recording<void>): Promise<void>;
  /** Spends the link: of any number of browsers on any number of replicas, one gets `spent`. A refusal spends nothing. */
  spend(secretHash: string, platform: string, now: Date): Promise<SpendOutcome>;
  /** Forgets links that ended before `before`. */
  prune(before: Date): Promise<void>;
  /** Forgets the links of an owner, and what began with them: callbacks come to nothing, accounts get no token. */
  forgetOwner(owner: string, record?: Recording<void>): Promise<void>;
}
