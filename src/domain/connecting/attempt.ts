import type { Secret } from "../../secret.ts";
import type { LinkFacts } from "./install-link.ts";

/** One browser round trip. State and browser are kept as SHA-256 only; the verifier is sealed. */
export interface Attempt {
  readonly id: string;
  readonly platform: string;
  readonly owner: string | undefined;
  readonly returnTo: string | undefined;
  readonly codeVerifier: Secret | undefined;
  /** What an earlier leg of this attempt named but could not prove. */
  readonly hint: string | undefined;
  readonly expiresAt: Date;
  /** Since its first leg began, in milliseconds by the database's clock: replicas' clocks may differ. */
  readonly ageMs: number;
  /** Undefined for an attempt that began without a link. */
  readonly link?: LinkFacts | undefined;
  /** The flow that a product's page watches, hashed; undefined: nobody watches. */
  readonly flow?: string | undefined;
}

/** Why a state is not accepted. None of these makes a call to the platform. */
export type AttemptRefusal = "unknown" | "already_used" | "expired" | "other_platform" | "other_browser";

export type ConsumeOutcome =
  | { readonly kind: "consumed"; readonly attempt: Attempt }
  | {
      readonly kind: "refused";
      readonly why: AttemptRefusal;
      /** Whose attempt it is; undefined for a state that nobody knows. */
      readonly of: Pick<Attempt, "owner" | "link"> | undefined;
    };

/** An attempt that can still be finished, and what it is for. */
export interface OpenAttempt extends Pick<Attempt, "owner" | "returnTo" | "link" | "flow"> {
  readonly stateHash: string;
}

export interface AttemptRepository {
  create(attempt: Attempt, keys: { readonly stateHash: string; readonly browserHash: string }): Promise<void>;
  /** Spends the state: of any number of callers on any number of replicas, one gets `consumed`. A refusal spends nothing. */
  consume(
    stateHash: string,
    expected: { readonly platform: string; readonly browserHash: string | undefined; readonly now: Date },
  ): Promise<ConsumeOutcome>;
  /** The attempts at this platform that these browser bindings could finish, the latest first. Spends nothing. */
  open(expected: {
    readonly platform: string;
    readonly browserHashes: readonly string[];
    readonly now: Date;
  }): Promise<readonly OpenAttempt[]>;
  /** Forgets attempts that ended before `before`. */
  prune(before: Date): Promise<void>;
}
