import { and, eq, inArray, ne } from "drizzle-orm";
import type { Installation } from "../../domain/model/installation.ts";
import { isLive, same } from "../conditions.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import { lockGrants } from "./grant-lock.ts";
import { toInstallation, viewInstallations } from "./rows.ts";

/** To be run in a transaction. See InstallationRepository.move. */
export async function moveOrganization(
  tx: Queries,
  id: string,
  owner: string | undefined,
  now: Date,
): Promise<readonly Installation[] | undefined> {
  if (!isUuid(id)) return undefined;
  const [named] = await tx
    .select({ platform: installations.platform, orgId: installations.externalOrgId, owner: installations.owner })
    .from(installations)
    .where(and(eq(installations.id, id), isLive));
  if (named === undefined) return undefined;
  const { platform, orgId, owner: before } = named;
  const ofOrganization = and(
    eq(installations.platform, platform),
    eq(installations.externalOrgId, orgId),
    same(installations.owner, before),
    isLive,
  );
  const subjects = await tx
    .select({ subject: credentials.subject })
    .from(credentials)
    .innerJoin(installationCredentials, eq(installationCredentials.credentialId, credentials.id))
    .innerJoin(installations, eq(installations.id, installationCredentials.installationId))
    .where(ofOrganization);
  const grants = { platform, orgIds: [orgId], subjects: subjects.map(({ subject }) => subject) };
  await lockGrants(tx, { ...grants, owner: before ?? undefined }, { ...grants, owner });
  // It may have been revoked, or moved, while this one waited.
  const [still] = await tx
    .select({ id: installations.id })
    .from(installations)
    .where(and(eq(installations.id, id), ofOrganization));
  if (still === undefined) return undefined;

  const moved = tx.select({ id: installations.id }).from(installations).where(ofOrganization);
  const serving = tx
    .select({ id: installationCredentials.credentialId })
    .from(installationCredentials)
    .where(inArray(installationCredentials.installationId, moved));
  await tx
    .update(credentials)
    .set({ owner: owner ?? null })
    .where(and(inArray(credentials.id, serving), ne(credentials.status, "revoked")));
  const ids = await tx
    .update(installations)
    // Who connected it did so for the owner before.
    .set({ owner: owner ?? null, installedBy: null, updatedAt: now })
    .where(ofOrganization)
    .returning({ id: installations.id });
  const rows = await viewInstallations(tx).where(
    inArray(
      installations.id,
      ids.map((row) => row.id),
    ),
  );
  return rows.map(toInstallation);
}
