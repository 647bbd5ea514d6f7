import { and, count, eq, inArray, isNotNull, isNull, ne, or, type SQL } from "drizzle-orm";
import type { ServedInstallation } from "../../domain/model/credential-repository.ts";
import type { Registration } from "../../domain/model/registration.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import { named, namedColumns } from "./status.ts";

/** See CredentialRepository.reviveRefused. */
export async function reviveRefused(
  db: Queries,
  { platform, registration }: { readonly platform: string; readonly registration: Registration },
  now: Date,
): Promise<readonly ServedInstallation[]> {
  const revived = db.$with("revived").as(
    db
      .update(credentials)
      .set({ status: "active", refusedBy: null, failures: 0, lastError: null })
      .where(
        and(
          eq(credentials.platform, platform),
          eq(credentials.status, "dead"),
          isNull(credentials.registration),
          isNotNull(credentials.refusedBy),
          ne(credentials.refusedBy, registration),
        ),
      )
      .returning({ id: credentials.id }),
  );
  const served = db
    .select({ id: installations.id })
    .from(installationCredentials)
    .innerJoin(revived, eq(revived.id, installationCredentials.credentialId))
    .innerJoin(installations, eq(installations.id, installationCredentials.installationId))
    .where(and(installationCredentials.natural, eq(installations.status, "reauthorization_required")))
    .orderBy(installations.id)
    .for("no key update", { of: installations });
  const changed = await db
    .with(revived)
    .update(installations)
    .set({ status: "active", updatedAt: now })
    .where(inArray(installations.id, served))
    .returning(namedColumns);
  return changed.map(named);
}

/** See CredentialRepository.countForeign. */
export async function countForeign(
  db: Queries,
  own: ReadonlyMap<string, Registration>,
): Promise<ReadonlyMap<string, number>> {
  const foreign: readonly (SQL | undefined)[] = [...own].map(([platform, registration]) =>
    and(eq(credentials.platform, platform), ne(credentials.registration, registration)),
  );
  if (foreign.length === 0) return new Map();
  const rows = await db
    .select({ platform: credentials.platform, rows: count() })
    .from(credentials)
    .where(and(ne(credentials.status, "revoked"), or(...foreign)))
    .groupBy(credentials.platform);
  return new Map(rows.map(({ platform, rows }) => [platform, rows]));
}
