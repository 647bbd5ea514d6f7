import type { Recording } from "../model/audit-event.ts";
import type { Connection } from "../model/connection.ts";
import type { Installation } from "../model/installation.ts";
import type { ConnectContext } from "../model/installation-repository.ts";
import type { LinkFacts } from "./install-link.ts";

/** What a finished callback obtained and its owner has not completed: kept apart, serving nobody. */
export interface PendingInstall {
  readonly id: string;
  readonly platform: string;
  /** Undefined for what began at the platform: whoever claims it says whose it is. */
  readonly owner: string | undefined;
  readonly link: LinkFacts;
  /** Its installations, all of them `pending`. */
  readonly installationIds: readonly string[];
}

/**
 * Why it is undone. `taken`: the organization came to belong to another owner meanwhile; `withdrawn`: whoever made the
 * link may not make it any more.
 */
export type UndoReason = "binding_rejected" | "expired" | "revoked" | "taken" | "withdrawn";

/** A pending install that this process alone is undoing. */
export interface Undoing extends PendingInstall {
  readonly reason: UndoReason;
  /** Whether the undoing is on record. */
  readonly recorded: boolean;
  /** What was obtained; undefined where no key opens it. */
  readonly connection: Connection | undefined;
}

/** Where a method takes a `Recording`, the rows are stored in the same transaction as the change, or neither is. */
export interface PendingInstallRepository {
  /**
   * Keeps apart what a finished flow obtained, in one transaction; live installations stay as they are. Safe to repeat
   * with the same `codeHash`.
   * @throws ServiceError INSTALLATION_TAKEN if an organization's installation is live under another owner, where one is
   * known yet.
   */
  keep(
    connection: Connection,
    context: ConnectContext,
    completion: { readonly codeHash: string; readonly expiresAt: Date; readonly link: LinkFacts },
    record?: Recording<readonly Installation[]>,
  ): Promise<readonly Installation[]>;
  /** Whom an unspent code belongs to; undefined for one that is unknown, spent or too old. */
  find(codeHash: string, now: Date): Promise<PendingInstall | undefined>;
  /** The pending install that a pending installation belongs to. */
  findByInstallation(installationId: string): Promise<PendingInstall | undefined>;
  /**
   * Spends the code and connects what was kept apart, in one transaction: see InstallationRepository.connect. What has
   * no live installation yet keeps its id. Undefined if it was completed, undone or became too old meanwhile.
   * @throws ServiceError INSTALLATION_TAKEN, TOKEN_UNREADABLE; nothing is spent then.
   */
  complete(
    id: string,
    context: ConnectContext,
    record?: Recording<readonly Installation[] | undefined>,
  ): Promise<readonly Installation[] | undefined>;
  /** Spends the code without connecting anything; undefined if somebody was faster. */
  beginUndo(id: string, reason: UndoReason, now: Date): Promise<Undoing | undefined>;
  /** The same for what nobody completed in time, and for undoings that a crash interrupted; at most `limit`. */
  beginExpired(now: Date, limit: number): Promise<readonly Undoing[]>;
  /** Puts an undoing on record, once. */
  recordUndo(id: string, record: Recording<void>): Promise<void>;
  /** Deletes it, with its installations. */
  finishUndo(id: string): Promise<void>;
  /** Those of the subjects for which something else is pending that may still be completed. */
  openSubjects(platform: string, subjects: readonly string[], except: string | undefined): Promise<readonly string[]>;
}
