import type { AuditEvent, AuditLog } from "../domain/model/audit-event.ts";
import type { CredentialRepository } from "../domain/model/credential-repository.ts";
import type { InstallationRepository } from "../domain/model/installation-repository.ts";
import type { Telemetry } from "../domain/model/telemetry.ts";

/** What is measured of the storage. */
export interface MeasurableStorage {
  readonly audit: AuditLog;
  readonly credentials: CredentialRepository;
  readonly installations: InstallationRepository;
  ping(): Promise<void>;
}

/** The same storage, with what it keeps and whether it answers counted. */
export function measuredStorage<Storage extends MeasurableStorage>(storage: Storage, telemetry: Telemetry): Storage {
  const { audit, credentials, installations } = storage;
  return {
    ...storage,
    audit: measuredAudit(audit, telemetry),
    credentials: {
      ...credentials,
      acquire: (id, version, attemptId, leaseMs, registration) =>
        telemetry.step(
          "lease",
          { credential: id },
          () => credentials.acquire(id, version, attemptId, leaseMs, registration),
          (lease) => (lease === undefined ? "not_free" : "taken"),
        ),
      commit: (lease, tokens, refreshAfter) =>
        telemetry.step(
          "commit",
          { credential: lease.credential.id },
          () => credentials.commit(lease, tokens, refreshAfter),
          ({ kind }) => kind,
        ),
    },
    installations: {
      ...installations,
      async finishRevocation(id, result, record) {
        const finished = await installations.finishRevocation(id, result, record);
        telemetry.revocationFinished(result);
        return finished;
      },
    },
    async ping() {
      let reachable = false;
      try {
        await storage.ping();
        reachable = true;
      } finally {
        telemetry.databaseChecked(reachable);
      }
    },
  };
}

function measuredAudit(audit: AuditLog, telemetry: Telemetry): AuditLog {
  const count = (events: readonly AuditEvent[], kind: AuditEvent["kind"]) =>
    events.reduce((sum, event) => sum + (event.kind === kind ? event.count : 0), 0);

  return {
    ...audit,
    async append(events) {
      try {
        await telemetry.step("audit", { rows: events.length }, () => audit.append(events));
      } catch (error) {
        telemetry.auditFailed();
        throw error;
      }
      telemetry.handedOut("first", count(events, "token.issued"));
      telemetry.handedOut("repeated", count(events, "token.repeated"));
    },
  };
}
