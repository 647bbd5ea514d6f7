import { ServiceError } from "../../errors.ts";
import type { LinkRepository } from "../connecting/install-link.ts";
import { type AuditLog, type Doer, rowsOf } from "../model/audit-event.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { Ended, Revoker } from "./revoke-installation.ts";

export interface OffboardOwner {
  /** The owner's installations that are not revoked, pending ones included. */
  list(owner: string): Promise<readonly string[]>;
  /**
   * Ends everything of an owner: links and attempts that have begun, what is pending, every installation. Safe to
   * repeat: an interrupted one is gone on with. Gives what happened to each, as it happens, to `onEnded`. On record are
   * that it began, each end, and at last how many.
   */
  offboard(owner: string, reason: string, doer: Doer, onEnded: (ended: Ended) => void): Promise<void>;
}

/** A callback that was under way may still add something: it is looked again, and no more often than this. */
const maxRounds = 5;

export function createOffboardOwner(parts: {
  readonly installations: InstallationRepository;
  readonly links: LinkRepository;
  readonly revoker: Revoker;
  readonly audit: AuditLog;
  readonly now: () => Date;
}): OffboardOwner {
  const { installations, links, revoker, audit, now } = parts;

  /** What is pending goes together: after the first of it the others are gone. */
  async function endUnlessGone(id: string, reason: string, doer: Doer): Promise<Ended | undefined> {
    try {
      return await revoker.end(id, reason, doer);
    } catch (error) {
      if (error instanceof ServiceError && error.reason === "INSTALLATION_NOT_FOUND") return undefined;
      throw error;
    }
  }

  return {
    list: (owner) => installations.notRevokedOf(owner),
    async offboard(owner, reason, doer, onEnded) {
      const row = (detail: string) => rowsOf(doer, now(), [{ kind: "owner.offboarded", owner, detail }]);
      await links.forgetOwner(owner, () => row("begun"));
      let failures = 0;
      let ends = 0;
      const seen = new Set<string>();
      for (let round = 0; round < maxRounds; round++) {
        const ids = (await installations.notRevokedOf(owner)).filter((id) => !seen.has(id));
        if (ids.length === 0) break;
        for (const id of ids) {
          seen.add(id);
          const ended = await endUnlessGone(id, reason, doer);
          if (ended === undefined) continue;
          ends += 1;
          if (ended.providerRevocation === "failed") failures += 1;
          onEnded(ended);
        }
      }
      await audit.append(row(`${ends} revoked, ${failures} of them not at the platform`));
    },
  };
}
