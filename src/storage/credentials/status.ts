import { and, eq, gt, inArray, ne, type SQLWrapper, sql } from "drizzle-orm";
import type { Credential } from "../../domain/model/credential.ts";
import type { Lease, ServedInstallation } from "../../domain/model/credential-repository.ts";
import type { Queries } from "../database.ts";
import { inMs } from "../database-clock.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import { isHeld, noAttempt } from "./lease.ts";

/**
 * See CredentialRepository.condemn. Only installations that the credential serves naturally ask for reauthorization:
 * one person's dead token does not take a workspace's bot away.
 */
export async function condemnCredential(
  db: Queries,
  lease: Lease,
  { code, backoffMs }: { readonly code: string; readonly backoffMs: number | undefined },
  now: Date,
): Promise<boolean> {
  const { id, version } = lease.credential;
  const condemned = db.$with("condemned").as(
    db
      .update(credentials)
      .set({
        ...noAttempt,
        ...(backoffMs === undefined ? {} : { leaseUntil: inMs(backoffMs) }),
        lookAfter: backoffMs === undefined ? null : new Date(now.getTime() + backoffMs),
        status: "dead",
        lastError: code,
        failures: sql`${credentials.failures} + 1`,
        refusedBy: sql`case when ${credentials.registration} is null then ${lease.registration ?? null} end`,
      })
      .where(
        and(
          isHeld({ id, attemptId: lease.attemptId }),
          eq(credentials.version, version),
          eq(credentials.status, "active"),
        ),
      )
      .returning({ id: credentials.id }),
  );
  const served = db
    .select({ id: installations.id })
    .from(installationCredentials)
    .innerJoin(condemned, eq(condemned.id, installationCredentials.credentialId))
    .innerJoin(installations, eq(installations.id, installationCredentials.installationId))
    .where(and(installationCredentials.natural, inArray(installations.status, ["active", "suspended"])))
    .orderBy(installations.id)
    .for("no key update", { of: installations });
  const touched = db
    .$with("touched")
    .as(
      db
        .update(installations)
        .set({ status: "reauthorization_required", updatedAt: now })
        .where(inArray(installations.id, served))
        .returning({ id: installations.id }),
    );
  const rows = await db.with(condemned, touched).select().from(condemned);
  return rows.length > 0;
}

/** See CredentialRepository.giveUp. */
export async function askForReauthorization(db: Queries, credentialId: string, now: Date): Promise<void> {
  const served = lockServed(
    db,
    eq(installationCredentials.credentialId, credentialId),
    installationCredentials.natural,
    inArray(installations.status, ["active", "suspended"]),
  );
  await db
    .update(installations)
    .set({ status: "reauthorization_required", updatedAt: now })
    .where(inArray(installations.id, served));
}

/** See CredentialRepository.failsAlone. */
export async function failsAlone(
  db: Queries,
  { id, platform, subject }: Credential,
  now: Date,
): Promise<Date | undefined> {
  const own = db.select({ since: credentials.failingSince }).from(credentials).where(eq(credentials.id, id));
  const since = sql`(${own})`;
  // A success from the beginning of it says nothing about an outage that began then.
  const lately = sql`${since} + (${now.toISOString()}::timestamptz - ${since}) / 2`;
  const [row] = await db
    .select({ since: sql`${since}`.mapWith(credentials.failingSince) })
    .from(credentials)
    .where(and(eq(credentials.platform, platform), ne(credentials.subject, subject), gt(credentials.provenAt, lately)))
    .limit(1);
  return row?.since ?? undefined;
}

/** See CredentialRepository.setSuspended. */
export async function suspendInstallations(
  db: Queries,
  credentialId: string,
  suspended: boolean,
  now: Date,
): Promise<readonly ServedInstallation[]> {
  if (!isUuid(credentialId)) return [];
  const served = lockServed(
    db,
    eq(installationCredentials.credentialId, credentialId),
    eq(installations.status, suspended ? "active" : "suspended"),
    // What a platform told is settled by its answer to that: this token may have been asked for before.
    suspended ? undefined : eq(installations.withheld, false),
  );
  const changed = await db
    .update(installations)
    .set({ status: suspended ? "suspended" : "active", updatedAt: now })
    .where(inArray(installations.id, served))
    .returning(namedColumns);
  return changed.map(named);
}

/** Locks installations by the credentials that serve them, in the order in which all who change them do. */
export function lockServed(db: Queries, ...conditions: (SQLWrapper | undefined)[]) {
  return db
    .select({ id: installations.id })
    .from(installationCredentials)
    .innerJoin(installations, eq(installations.id, installationCredentials.installationId))
    .where(and(...conditions))
    .orderBy(installations.id)
    .for("no key update", { of: installations });
}

/** See CredentialRepository.servedBy. */
export async function servedInstallations(db: Queries, credentialId: string): Promise<readonly ServedInstallation[]> {
  if (!isUuid(credentialId)) return [];
  const rows = await db
    .select(namedColumns)
    .from(installationCredentials)
    .innerJoin(installations, eq(installations.id, installationCredentials.installationId))
    .where(eq(installationCredentials.credentialId, credentialId))
    .orderBy(installations.id);
  return rows.map(named);
}

export const namedColumns = { id: installations.id, owner: installations.owner, platform: installations.platform };

export function named({
  owner,
  ...row
}: {
  readonly id: string;
  readonly owner: string | null;
  readonly platform: string;
}) {
  return { ...row, owner: owner ?? undefined };
}
