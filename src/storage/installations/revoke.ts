import { and, asc, eq, inArray, isNotNull, isNull, lt, ne, notExists, or, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Doer } from "../../domain/model/audit-event.ts";
import type { ProviderRevocation } from "../../domain/model/installation.ts";
import type { OnlyIf, RevocableCredential, Revocation } from "../../domain/model/installation-repository.ts";
import { same } from "../conditions.ts";
import { readerColumns, toRevocable } from "../credentials/rows.ts";
import type { Database, Queries } from "../database.ts";
import { deleteInParts } from "../delete-in-parts.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isUuid } from "../uuid.ts";
import { findGrantInUse } from "./grant-in-use.ts";
import { lockGrants } from "./grant-lock.ts";
import { toInstallation, viewInstallations } from "./rows.ts";
import { deleteUnused } from "./serving.ts";

interface RevocationWish {
  readonly reason: string;
  readonly at: Date;
  readonly by: Doer | undefined;
  readonly only: OnlyIf | undefined;
}

/** To be run in a transaction. See InstallationRepository.beginRevocation. What is pending is undone, not revoked. */
export async function beginRevocation(
  tx: Queries,
  id: string,
  { reason, at, by, only }: RevocationWish,
  sealer: Sealer,
): Promise<Revocation | undefined> {
  if (!(await lock(tx, id))) return undefined;
  if (only !== undefined && !(await isStill(tx, id, only))) return undefined;
  const ofInstallation = tx
    .select({ id: installationCredentials.credentialId })
    .from(installationCredentials)
    .where(eq(installationCredentials.installationId, id));
  // Credentials before installations: the order in which a commit takes them, too.
  await tx
    .update(credentials)
    .set({ status: "revoked" })
    .where(and(inArray(credentials.id, ofInstallation), ne(credentials.status, "revoked"), servesNoOther(tx, id)));
  await tx
    .update(installations)
    .set({
      ...{ status: "revoked", revokedAt: at, revokeReason: reason, revokedBy: by && doerColumn(by), updatedAt: at },
      ...{ withheld: false, question: null, askAfter: null },
    })
    .where(and(eq(installations.id, id), ne(installations.status, "revoked")));

  const kept = await tx
    .select({ ...readerColumns, refreshToken: credentials.refreshToken })
    .from(credentials)
    .where(inArray(credentials.id, ofInstallation))
    .orderBy(credentials.id);
  const [view] = await viewInstallations(tx).where(eq(installations.id, id));
  if (view === undefined) return undefined;
  const ended = kept.filter((row) => row.status === "revoked");
  const revocable: RevocableCredential[] = [];
  for (const row of ended) {
    const inUse = await findGrantInUse(tx, { ...row, externalUserId: row.externalUserId ?? undefined });
    revocable.push(toRevocable(row, inUse, sealer));
  }
  return {
    installation: toInstallation(view),
    finished: view.installation.providerRevocation ?? undefined,
    by: view.installation.revokedBy ?? undefined,
    credentials: revocable,
    shared: ended.length < kept.length,
  };
}

/** Connecting again, which the lock keeps away, asks another question, and is another time. */
async function isStill(tx: Queries, id: string, only: OnlyIf): Promise<boolean> {
  const condition =
    "question" in only
      ? sql`${installations.question} ->> 'id' = ${only.question}`
      : and(eq(installations.connectedAt, only.connectedAt), same(installations.owner, only.owner ?? null));
  const still = and(eq(installations.id, id), condition);
  return (await tx.select({ id: installations.id }).from(installations).where(still)).length > 0;
}

/** A call is a doer, and more than is kept of it. */
function doerColumn({ caller, method, address, requestId, policyHash }: Doer): Doer {
  return { caller, method, address, requestId, policyHash };
}

/** To be run in a transaction. The first result stays; an installation that is not revoked is left alone. */
export async function finishRevocation(
  tx: Queries,
  id: string,
  result: ProviderRevocation,
  now: Date,
): Promise<boolean> {
  if (!(await lock(tx, id))) return false;
  const [finished] = await tx
    .update(installations)
    .set({ providerRevocation: result, updatedAt: now })
    .where(and(eq(installations.id, id), eq(installations.status, "revoked"), isNull(installations.providerRevocation)))
    .returning({ id: installations.id });
  if (finished === undefined) return false;
  const unlinked = await tx
    .delete(installationCredentials)
    .where(eq(installationCredentials.installationId, id))
    .returning({ id: installationCredentials.credentialId });
  await deleteUnused(tx, unlinked);
  return true;
}

/** See InstallationRepository.forgetRevoked. */
export function forgetRevoked(database: Database, before: Date): Promise<number> {
  const { id, revokedAt, providerRevocation } = installations;
  // In the words of the index.
  const isEnded = sql`${installations.status} = 'revoked' and ${isNotNull(providerRevocation)}`;
  return deleteInParts(database, installations, id, { by: revokedAt, where: and(isEnded, lt(revokedAt, before)) });
}

/** See InstallationRepository.notRevokedOf. */
export async function notRevokedOf(db: Queries, owner: string): Promise<readonly string[]> {
  const rows = await db
    .select({ id: installations.id })
    .from(installations)
    .where(
      and(
        eq(installations.owner, owner),
        or(ne(installations.status, "revoked"), isNull(installations.providerRevocation)),
      ),
    )
    .orderBy(asc(installations.createdAt), asc(installations.id));
  return rows.map((row) => row.id);
}

/** Keeps connecting away from the installation's organization and grants. False if there is no such installation. */
async function lock(tx: Queries, id: string): Promise<boolean> {
  if (!isUuid(id)) return false;
  const rows = await tx
    .select({
      platform: installations.platform,
      status: installations.status,
      owner: installations.owner,
      orgId: installations.externalOrgId,
      subject: credentials.subject,
    })
    .from(installations)
    .leftJoin(installationCredentials, eq(installationCredentials.installationId, installations.id))
    .leftJoin(credentials, eq(credentials.id, installationCredentials.credentialId))
    .where(eq(installations.id, id));
  const [first] = rows;
  if (first === undefined || first.status === "pending") return false;
  await lockGrants(tx, {
    platform: first.platform,
    owner: first.owner ?? undefined,
    orgIds: [first.orgId],
    subjects: rows.flatMap((row) => row.subject ?? []),
  });
  return true;
}

function servesNoOther(tx: Queries, id: string) {
  const link = alias(installationCredentials, "link");
  const other = alias(installations, "other");
  return notExists(
    tx
      .select({ live: sql`true` })
      .from(link)
      .innerJoin(other, eq(other.id, link.installationId))
      .where(and(eq(link.credentialId, credentials.id), ne(other.id, id), ne(other.status, "revoked"))),
  );
}
