import type { World } from "../../world.ts";
import { type AuditKind, type Doer, rowsOf, serviceCaller } from "../model/audit-event.ts";
import type { ProviderRevocation } from "../model/installation.ts";
import type { Platforms } from "../model/platforms.ts";
import type { EndTokens } from "./end-tokens.ts";
import type { PendingInstallRepository, Undoing, UndoReason } from "./pending-install.ts";

/** How many are undone between two looks at the table. */
const batch = 50;

const kinds: Readonly<{ [reason in UndoReason]: AuditKind }> = {
  binding_rejected: "install.binding_rejected",
  expired: "install.expired",
  revoked: "installation.revoked",
  taken: "install.failed",
  withdrawn: "install.failed",
};

const details: Readonly<{ [reason in UndoReason]: string }> = {
  binding_rejected: "wrong_owner",
  expired: "not_completed",
  revoked: "pending",
  taken: "installation_taken",
  withdrawn: "link_withdrawn",
};

export interface InstallUndoer {
  /** Puts it on record, ends what it created at the platform, and deletes it here; undefined if somebody was faster. */
  undo(id: string, reason: UndoReason, doer: Doer): Promise<ProviderRevocation | undefined>;
  /** Undoes what nobody completed in time, and what a crash left half undone. Any number of replicas may do so at once. */
  expirePending(): Promise<void>;
}

export function createInstallUndoer(parts: {
  readonly pendingInstalls: PendingInstallRepository;
  readonly platforms: Platforms;
  readonly endTokens: EndTokens;
  readonly world: World;
}): InstallUndoer {
  const { pendingInstalls, platforms, endTokens, world } = parts;

  async function finish(undoing: Undoing, doer: Doer): Promise<ProviderRevocation> {
    const { id, reason, owner, installationIds, connection } = undoing;
    const platform = platforms.byName(undoing.platform);
    if (!undoing.recorded) {
      const [installationId] = installationIds;
      const about = { installationId, owner, platform: undoing.platform };
      const row = { kind: kinds[reason], ...about, detail: details[reason] };
      await pendingInstalls.recordUndo(id, () => rowsOf(doer, world.now(), [row]));
    }
    const known = platform !== undefined && connection !== undefined;
    const result = known ? await endTokens(platform, connection, id) : "failed";
    await pendingInstalls.finishUndo(id);
    world.log.info({ platform: undoing.platform, reason, installations: installationIds, result }, "install.undone");
    return result;
  }

  /** A failure leaves the rest to be undone; this one is taken up again. */
  async function finishAlone(undoing: Undoing): Promise<void> {
    try {
      await finish(undoing, { caller: serviceCaller, method: "expire pending" });
    } catch (error) {
      world.log.warn({ pending: undoing.id, error: error instanceof Error ? error.name : "unknown" }, "undo.failed");
    }
  }

  return {
    async undo(id, reason, doer) {
      const undoing = await pendingInstalls.beginUndo(id, reason, world.now());
      return undoing && finish(undoing, doer);
    },
    async expirePending() {
      for (;;) {
        const begun = await pendingInstalls.beginExpired(world.now(), batch);
        for (const undoing of begun) await finishAlone(undoing);
        if (begun.length < batch) return;
      }
    },
  };
}
