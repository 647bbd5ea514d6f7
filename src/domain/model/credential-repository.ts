import type { Secret } from "../../secret.ts";
import type { Recording } from "./audit-event.ts";
import type { Credential, TokenSet } from "./credential.ts";
import type { Doubts, Verdicts } from "./doubt.ts";
import type { Installation } from "./installation.ts";
import type { Registration } from "./registration.ts";

/** What else was obtained by a grant: ending that at the platform may end this, too. */
export interface GrantInUse {
  /** Another credential of the same person or subject, or perhaps of the same person, serves something live, of any owner. */
  readonly live: boolean;
  /** One of the same subject may still be completed. */
  readonly pending: boolean;
}

/** A credential held for one mint. The holder alone may call the platform; `version` fences what it stores. */
export interface Lease {
  readonly credential: Credential;
  readonly attemptId: string;
  readonly refreshToken: Secret | undefined;
  /** The token spent by the last stored refresh; undefined once it is of no use. */
  readonly previousRefreshToken: Secret | undefined;
  /** When the previous refresh was stored. */
  readonly previousSpentAt: Date | undefined;
  /** A second successor that lost the race to be stored: another token set of the same grant. */
  readonly spareRefreshToken: Secret | undefined;
  /**
   * When the first attempt began that never reported a clear answer (crash, unclear outcome) since the last stored
   * token set: the refresh token may be spent. Later attempts do not move it.
   */
  readonly openAttemptAt: Date | undefined;
  /** In whose name the platform is asked. */
  readonly registration: Registration | undefined;
}

/** The truth about a credential for someone who waits for another's refresh. */
export interface CredentialState {
  readonly credential: Credential;
  /** Milliseconds until the lease or the back-off ends by the database's clock; 0 if free. */
  readonly leaseRemainingMs: number;
  /** Whether a holder took the lease and has not reported; false means that the remaining time is back-off. */
  readonly attemptOpen: boolean;
}

export type CommitOutcome =
  | { readonly kind: "stored"; readonly credential: Credential }
  /** Another attempt's token set was stored first; ours was kept as a spare. */
  | { readonly kind: "superseded" }
  /** The credential was revoked or removed meanwhile: the caller ends the new token at the platform. */
  | { readonly kind: "gone"; readonly inUse: GrantInUse };

/** How a failed attempt is recorded. */
export interface RecordedFailure {
  /** Safe to show: `unavailable`, `rate_limited`, `misconfigured`, … or the platform's own code. */
  readonly error: string;
  /** How long nobody asks the platform for this credential. */
  readonly backoffMs: number;
  /** The request may have been processed: the next lease shows this attempt as `openAttemptAt`. */
  readonly unclear: boolean;
  /** The platform refused it for good, which is not believed yet. */
  readonly doubted?: boolean;
}

/** An installation as the record names it. */
export type ServedInstallation = Pick<Installation, "id" | "owner" | "platform">;

/** What background refreshes look for. */
export interface DueQuery {
  readonly platform: string;
  readonly now: Date;
  readonly rotatingUsedSince: Date;
  readonly mintedUsedSince: Date;
  /** Rotating grants refreshed before this are due although nobody uses them. */
  readonly refreshedBefore: Date | undefined;
  readonly limit: number;
  /** What is known to have been given to another client is left out. */
  readonly registration: Registration;
}

/** What is due, and whose it is. */
export interface DueCredential {
  readonly credential: Credential;
  readonly owner: string | undefined;
}

export interface CredentialRepository {
  read(id: string): Promise<CredentialState | undefined>;
  /**
   * Takes the lease by compare-and-set on `version`; undefined if it moved, is held, backs off, or is not active (a dead
   * one that needs no secret may be asked about again).
   * Never changes `version` and holds no connection afterwards. `registration`: in whose name the platform will be
   * asked; what is stored or confirmed under the lease belongs to it, since the platform has accepted it.
   */
  acquire(
    id: string,
    version: number,
    attemptId: string,
    leaseMs: number,
    registration?: Registration,
  ): Promise<Lease | undefined>;
  /**
   * Stores a token set if `version` is still the leased one, even when the lease has run out. Safe to repeat after
   * an unclear failure: the same attempt is stored once.
   */
  commit(lease: Lease, tokens: TokenSet, refreshAfter: Date | undefined): Promise<CommitOutcome>;
  /** Ends the attempt without a new token: records the failure and backs off. An earlier open attempt stays open. */
  release(lease: Lease, failure: RecordedFailure): Promise<void>;
  /** Ends the attempt because the platform confirmed what is stored: clears failures and open attempts. */
  confirm(lease: Lease): Promise<void>;
  /**
   * What a request that takes no lease met: undefined after one that was served, which ends what was wrong; else why its
   * shape was refused, shown where nothing else is wrong. Nothing is changed while an attempt is open.
   */
  noteUnleased(id: string, refusal: string | undefined): Promise<void>;
  /** Gives the lease back as if it had never been taken: nothing was sent. */
  abandon(lease: Lease): Promise<void>;
  /**
   * Marks the grant dead, fenced by version and attempt; false if either moved. Its installations ask for
   * reauthorization. Where it is not remembered whom the grant was given to, it is remembered who asked. A credential that
   * needs no secret can be leased again after `backoffMs`.
   */
  condemn(lease: Lease, code: string, backoffMs?: number): Promise<boolean>;
  /**
   * Brings back grants of an unknown client that died when another one asked: the refusal may have meant the client.
   * Some hundred at once; gives the installations that are active again.
   */
  reviveRefused(platform: string, registration: Registration): Promise<readonly ServedInstallation[]>;
  /** How many credentials of each platform were given to others than these, counted to 10,000. */
  countForeign(own: ReadonlyMap<string, Registration>): Promise<ReadonlyMap<string, number>>;
  /**
   * Ends the attempt as a failure that a person has to end: its installations ask for reauthorization. The credential is
   * asked again after its back-off, and its next success takes that back.
   */
  giveUp(lease: Lease, failure: RecordedFailure): Promise<void>;
  /** Since when the credential fails in a row, if another one of its platform was accepted in the later half of that time. */
  failsAlone(lease: Lease): Promise<Date | undefined>;
  /** Notes that the platform refused the leased credential for good, and tells what it said of others lately. */
  noteCalledDead(lease: Lease, holder: "organization" | "person"): Promise<Verdicts>;
  /** Doubts what was condemned within the last hour without a doubt: it is active again, and its installations too. */
  reviveCalledDead(platform: string): Promise<readonly ServedInstallation[]>;
  /** Where deaths are doubted. */
  doubts(): Promise<readonly Doubts[]>;
  /**
   * Believes every doubted death of a platform, and for a day whatever it calls dead, in one transaction; gives the
   * installations that ask for reauthorization now.
   */
  confirmDeaths(
    platform: string,
    record?: Recording<readonly ServedInstallation[]>,
  ): Promise<readonly ServedInstallation[]>;
  /**
   * Credentials that serve live installations, of any owner: those of these subjects, and people's that serve these
   * organizations.
   */
  related(platform: string, subjects: readonly string[], orgIds: readonly string[]): Promise<readonly Credential[]>;
  /**
   * Active credentials past their refresh time that were used recently, or at rest for too long, and dead ones that need no
   * secret and died within about a day; none that is leased or backs off. What has not failed comes first, then the owners
   * in turn, then what ends soonest. Of very many a bounded number is looked at in each round; what nobody wants is looked
   * at again once it has been at rest for too long, or was refreshed.
   */
  due(query: DueQuery): Promise<readonly DueCredential[]>;
  /**
   * Marks the credential's installations suspended (or active again), in step with the platform, and gives those that
   * were not so before.
   */
  setSuspended(credentialId: string, suspended: boolean): Promise<readonly ServedInstallation[]>;
  /** The installations that a credential serves. */
  servedBy(credentialId: string): Promise<readonly ServedInstallation[]>;
}
