import type { Secret } from "../../secret.ts";
import type { Visibility } from "../access/access.ts";
import type { Doer, Recording } from "../record/put-on-record.ts";
import type { Actor, Credential, TokenSet } from "./credential.ts";
import type { Doubts, Verdicts } from "./doubt.ts";
import type { Installation, InstallationFilter, Position, ProviderRevocation } from "./installation.ts";
import type { Connection } from "./platform.ts";
import type { Registration } from "./registration.ts";

/** What a caller names an installation by. All that are given must match. */
export interface Selector {
  readonly installationId?: string | undefined;
  /** A product name. */
  readonly platform?: string | undefined;
  readonly externalOrgId?: string | undefined;
  readonly externalInstallId?: string | undefined;
  readonly owner?: string | undefined;
  /** Undefined: the installation's natural credential. */
  readonly actor?: Actor | undefined;
  readonly externalUserId?: string | undefined;
}

/** One installation that matches, with one credential that would serve it (none: nothing is kept for that actor). */
export interface Selection {
  readonly installation: Pick<
    Installation,
    | "id"
    | "platform"
    | "products"
    | "status"
    | "owner"
    | "externalOrgId"
    | "externalInstallId"
    | "externalUserId"
    | "permissions"
  >;
  readonly credential: Credential | undefined;
}

/** Where a method takes a `Recording`, the rows are stored in the same transaction as the change, or neither is. */
export interface InstallationRepository {
  /**
   * Everything that matches and is visible, at most `limit` rows, in one statement. Without `installationId` only what
   * is neither revoked nor pending.
   */
  select(selector: Selector, visible: Visibility, limit: number): Promise<readonly Selection[]>;
  find(id: string): Promise<Installation | undefined>;
  /** Newest first, strictly after `after`, at most `limit`. Keyset: equally fast at any depth. */
  list(
    filter: InstallationFilter,
    visible: Visibility,
    after: Position | undefined,
    limit: number,
  ): Promise<readonly Installation[]>;
  /**
   * Stores what a finished flow obtained, in one transaction: a live installation of the same identity is updated
   * and keeps its id, its credentials get the new tokens and a new version, leases and errors are cleared.
   * @throws ServiceError INSTALLATION_TAKEN if an organization's installation is live under another owner.
   */
  connect(
    connection: Connection,
    context: ConnectContext,
    record?: Recording<readonly Installation[]>,
  ): Promise<readonly Installation[]>;
  /**
   * Stops hand-out of one installation, durably, before anything is revoked at the platform. Idempotent: an
   * installation that is revoked already keeps its time, reason and who wanted it. Undefined if it does not exist.
   * Credentials that no other live installation uses are marked revoked; the rest are `shared`.
   */
  beginRevocation(id: string, reason: string, now: Date, by?: Doer): Promise<Revocation | undefined>;
  /**
   * Deletes what is kept for the installation and records how the platform answered; false, without a row, if that is
   * known already.
   */
  finishRevocation(id: string, result: ProviderRevocation, record?: Recording<boolean>): Promise<boolean>;
  /** Revocations begun before `before` and never finished. */
  unfinishedRevocations(before: Date): Promise<readonly string[]>;
  /** What of an owner is not revoked, or not finished to be: oldest first. */
  notRevokedOf(owner: string): Promise<readonly string[]>;
  /**
   * Gives an organization, with all its live installations and what they are served with, to another owner.
   * Undefined if the installation is not live.
   */
  move(
    id: string,
    owner: string | undefined,
    now: Date,
    record?: Recording<readonly Installation[] | undefined>,
  ): Promise<readonly Installation[] | undefined>;
  /** What the platform grants it now. */
  setPermissions(id: string, permissions: Readonly<Record<string, string>>): Promise<void>;
  /** Sets `lastUsedAt`, many at once. Never moves it back. */
  recordUse(uses: ReadonlyMap<string, Date>): Promise<void>;
}

export interface ConnectContext {
  readonly platform: string;
  readonly holder: "organization" | "person";
  readonly owner: string | undefined;
  readonly now: Date;
}

export interface Revocation {
  readonly installation: Installation;
  /** How it ended if it already had. */
  readonly finished: ProviderRevocation | undefined;
  /** Who wanted it first. */
  readonly by: Doer | undefined;
  /** What is to be revoked at the platform; empty where every credential is shared or none is kept. */
  readonly credentials: readonly RevocableCredential[];
  /** Whether some credential stays because other installations use it. */
  readonly shared: boolean;
}

/** What else was obtained by a grant: ending that at the platform may end this, too. */
export interface GrantInUse {
  /** Another credential of the same person or subject, or perhaps of the same person, serves something live, of any owner. */
  readonly live: boolean;
  /** One of the same subject may still be completed. */
  readonly pending: boolean;
}

/** A credential of a revoked installation, with its secrets (undefined where no key opens them). */
export interface RevocableCredential extends Credential {
  readonly inUse: GrantInUse;
  readonly secrets: { readonly accessToken: Secret | undefined; readonly refreshToken: Secret | undefined } | undefined;
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
export interface Failure {
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

/** A grant whose own end comes near. */
export interface EndingGrant {
  readonly id: string;
  readonly platform: string;
  readonly endsAt: Date;
  readonly installationIds: readonly string[];
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
  release(lease: Lease, failure: Failure): Promise<void>;
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
   * Gives the installations that are active again.
   */
  reviveRefused(platform: string, registration: Registration): Promise<readonly ServedInstallation[]>;
  /** How many credentials of each platform were given to others than these. */
  countForeign(own: ReadonlyMap<string, Registration>): Promise<ReadonlyMap<string, number>>;
  /**
   * Ends the attempt as a failure that a person has to end: its installations ask for reauthorization. The credential is
   * asked again after its back-off, and its next success takes that back.
   */
  giveUp(lease: Lease, failure: Failure): Promise<void>;
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
   * in turn, then what ends soonest.
   */
  due(query: DueQuery): Promise<readonly DueCredential[]>;
  /** Active grants that end before `before`, soonest first. */
  ending(before: Date, limit: number): Promise<readonly EndingGrant[]>;
  /**
   * Marks the credential's installations suspended (or active again), in step with the platform, and gives those that
   * were not so before.
   */
  setSuspended(credentialId: string, suspended: boolean): Promise<readonly ServedInstallation[]>;
  /** The installations that a credential serves. */
  servedBy(credentialId: string): Promise<readonly ServedInstallation[]>;
}
