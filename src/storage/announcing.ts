import type { LinkedInstalls } from "../domain/connecting/linked-installs.ts";
import type { PendingInstallRepository } from "../domain/connecting/pending-install.ts";
import type { CredentialRepository } from "../domain/model/credential-repository.ts";
import type { InstallationRepository } from "../domain/model/installation-repository.ts";
import type { QuestionRepository } from "../domain/reconciling/question.ts";
import type { PublishedChanges } from "./changes.ts";

/** Tells this process of its own changes before the call returns, so that nobody reads behind their own write. */
export function announcingInstallations(
  repository: InstallationRepository,
  { publish }: PublishedChanges,
): InstallationRepository {
  return {
    ...repository,
    async connect(...change) {
      const stored = await repository.connect(...change);
      // Grants of a person may have left other sites of theirs, too.
      publish({ kind: "everything" });
      return stored;
    },
    async beginRevocation(id, ...wanted) {
      const revocation = await repository.beginRevocation(id, ...wanted);
      if (revocation !== undefined) publish({ kind: "installation", id, platform: revocation.installation.platform });
      return revocation;
    },
    async move(...change) {
      const moved = await repository.move(...change);
      publish({ kind: "everything" });
      return moved;
    },
  };
}

export function announcingLinkedInstalls(linked: LinkedInstalls, { publish }: PublishedChanges): LinkedInstalls {
  return {
    async connect(...change) {
      const connected = await linked.connect(...change);
      publish({ kind: "everything" });
      return connected;
    },
  };
}

export function announcingPendingInstalls(
  repository: PendingInstallRepository,
  { publish }: PublishedChanges,
): PendingInstallRepository {
  return {
    ...repository,
    async complete(...change) {
      const connected = await repository.complete(...change);
      publish({ kind: "everything" });
      return connected;
    },
  };
}

export function announcingCredentials(
  repository: CredentialRepository,
  { publish }: PublishedChanges,
): CredentialRepository {
  return {
    ...repository,
    async commit(lease, tokens, refreshAfter) {
      const outcome = await repository.commit(lease, tokens, refreshAfter);
      publish({ kind: "credential", id: lease.credential.id });
      return outcome;
    },
    async noteUnleased(id, refusal) {
      await repository.noteUnleased(id, refusal);
      publish({ kind: "credential", id });
    },
    async giveUp(lease, failure) {
      await repository.giveUp(lease, failure);
      publish({ kind: "credential", id: lease.credential.id });
    },
    async reviveCalledDead(platform) {
      const revived = await repository.reviveCalledDead(platform);
      if (revived.length > 0) publish({ kind: "everything" });
      return revived;
    },
    async condemn(lease, code, backoffMs) {
      const condemned = await repository.condemn(lease, code, backoffMs);
      publish({ kind: "credential", id: lease.credential.id });
      return condemned;
    },
    async reviveRefused(platform, registration) {
      const revived = await repository.reviveRefused(platform, registration);
      if (revived.length > 0) publish({ kind: "everything" });
      return revived;
    },
    async setSuspended(id, suspended) {
      const changed = await repository.setSuspended(id, suspended);
      publish({ kind: "credential", id });
      return changed;
    },
  };
}

export function announcingQuestions(repository: QuestionRepository, { publish }: PublishedChanges): QuestionRepository {
  return {
    ...repository,
    async note(told) {
      const noted = await repository.note(told);
      for (const { id: installationId, platform, granted } of noted) {
        publish({ kind: "installation", id: installationId, platform });
        for (const id of granted) publish({ kind: "granted", id, installationId });
      }
      return noted;
    },
    async settle(asked, settlement) {
      const settled = await repository.settle(asked, settlement);
      if (!settled) return settled;
      const { id: installationId, platform } = asked.installation;
      publish({ kind: "installation", id: installationId, platform });
      if (settlement.facts?.permissions !== undefined) {
        for (const { credential } of asked.credentials) publish({ kind: "granted", id: credential.id, installationId });
      }
      return settled;
    },
  };
}
