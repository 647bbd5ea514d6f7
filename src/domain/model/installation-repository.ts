import type { Secret } from "../../secret.ts";
import type { Visibility } from "../access/access.ts";
import type { Doer, Recording } from "./audit-event.ts";
import type { Connection } from "./connection.ts";
import type { Actor, Credential } from "./credential.ts";
import type { GrantInUse } from "./credential-repository.ts";
import type { Installation, InstallationFilter, Position, ProviderRevocation } from "./installation.ts";

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
  /** What a platform says has ended, and serves nobody until it has been asked; undefined: nothing. */
  readonly withheld: "installation" | "grant" | undefined;
}

/** What was found in a part of the list. */
export interface SearchedPart {
  readonly found: readonly Installation[];
  /** The end of that part, where fewer than asked for were found and there may be more; undefined: there are none. */
  readonly lookedTo: Position | undefined;
}

/** Where a method takes a `Recording`, the rows are stored in the same transaction as the change, or neither is. */
export interface InstallationRepository {
  /**
   * Everything that matches and is visible, at most `limit` rows, in one statement. Without `installationId` only what
   * is neither revoked nor pending.
   */
  select(selector: Selector, visible: Visibility, limit: number): Promise<readonly Selection[]>;
  find(id: string): Promise<Installation | undefined>;
  /** Those of the ids that there are, in the order of the ids. */
  findAll(ids: readonly string[]): Promise<readonly Installation[]>;
  /** Newest first, strictly after `after`, at most `limit`. Keyset: equally fast at any depth. */
  list(
    filter: InstallationFilter,
    visible: Visibility,
    after: Position | undefined,
    limit: number,
  ): Promise<readonly Installation[]>;
  /**
   * `list`, of what `text` is the beginning of (the organization's name or the owner, in any case) or an id of. Reads a
   * bounded part of the list, however long that is.
   */
  search(
    text: string,
    filter: InstallationFilter,
    visible: Visibility,
    after: Position | undefined,
    limit: number,
  ): Promise<SearchedPart>;
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
   * Credentials that no other live installation uses are marked revoked; the rest are `shared`. `only`: undefined
   * also if that is not so any more.
   */
  beginRevocation(id: string, reason: string, now: Date, by?: Doer, only?: OnlyIf): Promise<Revocation | undefined>;
  /**
   * Deletes what is kept for the installation and records how the platform answered; false, without a row, if that is
   * known already.
   */
  finishRevocation(id: string, result: ProviderRevocation, record?: Recording<boolean>): Promise<boolean>;
  /** Revocations begun before `before` and never finished: the first of them. */
  unfinishedRevocations(before: Date): Promise<readonly string[]>;
  /** Deletes what was revoked, and finished to be, before `before`; returns how many. Its id is unknown from then on. */
  forgetRevoked(before: Date): Promise<number>;
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

/** What an installation has to be still, to be revoked for it: what this is asked about, or what was connected then. */
export type OnlyIf = { readonly question: string } | { readonly connectedAt: Date; readonly owner: string | undefined };

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

/** A credential of a revoked installation, with its secrets (undefined where no key opens them). */
export interface RevocableCredential extends Credential {
  readonly inUse: GrantInUse;
  readonly secrets: { readonly accessToken: Secret | undefined; readonly refreshToken: Secret | undefined } | undefined;
}
