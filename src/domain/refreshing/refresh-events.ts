import type { World } from "../../world.ts";
import { type AuditEvent, type AuditKind, serviceCaller } from "../model/audit-event.ts";
import type { AccessToken, Credential } from "../model/credential.ts";
import type { ServedInstallation } from "../model/credential-repository.ts";
import type { NoteEvent } from "../record/noted-events.ts";

/** What refreshes put on record. None of it waits or fails. */
export interface RefreshEvents {
  /** A new token was stored. Hand-outs of it carry its fingerprint and say for which installation. */
  refreshed(credential: Credential, token: AccessToken): void;
  /** The platform refused the grant for good. */
  rejected(credential: Credential, code: string, served: readonly ServedInstallation[]): void;
  suspended(changed: readonly ServedInstallation[]): void;
  resumed(changed: readonly ServedInstallation[]): void;
}

export function createRefreshEvents(noteEvent: NoteEvent, { now }: Pick<World, "now">): RefreshEvents {
  function note(kind: AuditKind, subject: Partial<AuditEvent>): void {
    noteEvent({ at: now(), caller: serviceCaller, method: "refresh", count: 1, ...subject, kind });
  }
  const each = (kind: AuditKind, changed: readonly ServedInstallation[]) => {
    for (const { id, owner, platform } of changed) note(kind, { installationId: id, owner, platform });
  };

  return {
    refreshed({ id, platform }, { value }) {
      note("token.refreshed", { platform, tokenFingerprint: value.fingerprint(), detail: `credential ${id}` });
    },
    rejected({ platform }, detail, served) {
      if (served.length === 0) note("grant.rejected", { platform, detail });
      for (const { id, owner } of served) {
        note("grant.rejected", { installationId: id, owner, platform, detail });
      }
    },
    suspended: (changed) => each("installation.suspended", changed),
    resumed: (changed) => each("installation.resumed", changed),
  };
}
