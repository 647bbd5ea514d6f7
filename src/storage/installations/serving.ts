import { and, eq, exists, inArray, ne, notExists, notInArray, sql } from "drizzle-orm";
import type { StoredCredential } from "../credentials/store.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";

/** Makes these credentials serve the installation. Others of it stay, unless one of these takes their place. */
export async function linkCredentials(
  tx: Queries,
  installationId: string,
  stored: readonly StoredCredential[],
): Promise<void> {
  const ids = stored.map((credential) => credential.id);
  const others = and(
    eq(installationCredentials.installationId, installationId),
    notInArray(installationCredentials.credentialId, ids),
  );
  for (const { actor, externalUserId } of stored) {
    const person = installationCredentials.externalUserId;
    // A person whom nobody knew may be anybody.
    const sameActor = sql`(${person} is not distinct from ${externalUserId} or ${person} is null)`;
    const replaced = await tx
      .delete(installationCredentials)
      .where(and(others, eq(installationCredentials.actor, actor), sameActor))
      .returning({ id: installationCredentials.credentialId });
    await deleteUnused(tx, replaced);
  }
  if (stored.some((credential) => credential.natural)) {
    await tx.update(installationCredentials).set({ natural: false }).where(others);
  }
  for (const { id, actor, externalUserId, natural } of stored) {
    await tx
      .insert(installationCredentials)
      .values({ installationId, credentialId: id, actor, externalUserId, natural })
      .onConflictDoUpdate({
        target: [installationCredentials.installationId, installationCredentials.credentialId],
        set: { actor, externalUserId, natural },
      });
  }
}

/**
 * A person's grant as it is now covers `connected` alone: other live installations lose its credentials, and ask for
 * reauthorization where nothing else serves them.
 */
export async function unlinkElsewhere(
  tx: Queries,
  stored: readonly StoredCredential[],
  connected: readonly string[],
  now: Date,
): Promise<void> {
  const live = tx
    .select({ id: installations.id })
    .from(installations)
    .where(and(eq(installations.id, installationCredentials.installationId), ne(installations.status, "revoked")));
  const unlinked = await tx
    .delete(installationCredentials)
    .where(
      and(
        inArray(
          installationCredentials.credentialId,
          stored.map((credential) => credential.id),
        ),
        notInArray(installationCredentials.installationId, [...connected]),
        exists(live),
      ),
    )
    .returning({ id: installationCredentials.installationId });
  if (unlinked.length === 0) return;
  await tx
    .update(installations)
    .set({ status: "reauthorization_required", updatedAt: now })
    .where(
      and(
        inArray(
          installations.id,
          unlinked.map(({ id }) => id),
        ),
        inArray(installations.status, ["active", "suspended"]),
        notExists(
          tx
            .select({ id: installationCredentials.credentialId })
            .from(installationCredentials)
            .where(eq(installationCredentials.installationId, installations.id)),
        ),
      ),
    );
}

/** Deletes those of the credentials that serve no installation any more. */
export async function deleteUnused(tx: Queries, unused: readonly { readonly id: string }[]): Promise<void> {
  if (unused.length === 0) return;
  const uses = tx
    .select({ id: installationCredentials.installationId })
    .from(installationCredentials)
    .where(eq(installationCredentials.credentialId, credentials.id));
  await tx.delete(credentials).where(
    and(
      inArray(
        credentials.id,
        unused.map(({ id }) => id),
      ),
      notExists(uses),
    ),
  );
}
