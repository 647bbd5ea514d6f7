import { eq } from "drizzle-orm";
import type { PendingInstallRepository } from "../../domain/connecting/pending-install.ts";
import type { Queries } from "../database.ts";
import { factsOf, refuseIfTaken } from "../installations/connect.ts";
import { lockGrants } from "../installations/grant-lock.ts";
import { installations, pendingInstalls } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { sealConnection } from "./sealed-connection.ts";

type Keep = Parameters<PendingInstallRepository["keep"]>;

/** To be run in a transaction. See PendingInstallRepository.keep; gives the ids of the installations. */
export async function keepApart(
  tx: Queries,
  connection: Keep[0],
  { platform, holder, owner, now }: Keep[1],
  { codeHash, expiresAt, link }: Keep[2],
  { sealer, newId }: { readonly sealer: Sealer; readonly newId: () => string },
): Promise<readonly string[]> {
  const [kept] = await tx
    .select({ installationIds: pendingInstalls.installationIds })
    .from(pendingInstalls)
    .where(eq(pendingInstalls.codeHash, codeHash));
  // An earlier try of the same callback got through without our hearing of it.
  if (kept !== undefined) return kept.installationIds;

  const orgIds = connection.installations.map(({ externalOrgId }) => externalOrgId);
  await lockGrants(tx, { platform, owner, orgIds, subjects: [] });
  if (holder === "organization" && link.unbegun !== true) await refuseIfTaken(tx, orgIds, { platform, owner });

  const id = newId();
  const rows = connection.installations.map((connected) => ({
    ...factsOf(connected),
    id: newId(),
    platform,
    owner: owner ?? null,
    status: "pending" as const,
    externalOrgId: connected.externalOrgId,
    externalUserId: connected.externalUserId ?? null,
    createdAt: now,
    updatedAt: now,
  }));
  const installationIds = rows.map((row) => row.id);
  await tx.insert(pendingInstalls).values({
    id,
    platform,
    owner: owner ?? null,
    link,
    codeHash,
    installationIds,
    expiresAt,
    connection: sealConnection(sealer, id, connection),
    subjects: connection.credentials.map(({ subject }) => subject),
    createdAt: now,
    recorded: false,
  });
  await tx.insert(installations).values(rows);
  return installationIds;
}
