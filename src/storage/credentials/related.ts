import { and, eq, exists, inArray, or, type SQL } from "drizzle-orm";
import type { Credential } from "../../domain/model/credential.ts";
import { isLive } from "../conditions.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { readerColumns, toCredential } from "./rows.ts";

/** See CredentialRepository.related. */
export async function relatedCredentials(
  db: Queries,
  related: { readonly platform: string; readonly subjects: readonly string[]; readonly orgIds: readonly string[] },
  sealer: Sealer,
): Promise<readonly Credential[]> {
  const { platform, subjects, orgIds } = related;
  const servesLive = (where?: SQL) =>
    exists(
      db
        .select({ id: installations.id })
        .from(installationCredentials)
        .innerJoin(installations, eq(installations.id, installationCredentials.installationId))
        .where(and(eq(installationCredentials.credentialId, credentials.id), isLive, where)),
    );
  const ofSubject = and(inArray(credentials.subject, [...subjects]), servesLive());
  const ofPeople = and(eq(credentials.actor, "user"), servesLive(inArray(installations.externalOrgId, [...orgIds])));
  const rows = await db
    .select(readerColumns)
    .from(credentials)
    .where(and(eq(credentials.platform, platform), eq(credentials.status, "active"), or(ofSubject, ofPeople)));
  return rows.map((row) => toCredential(row, sealer));
}
