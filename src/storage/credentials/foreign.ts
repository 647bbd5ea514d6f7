import { and, count, eq, gt, inArray, isNull, lt, or, sql } from "drizzle-orm";
import type { ServedInstallation } from "../../domain/model/credential-repository.ts";
import type { Registration } from "../../domain/model/registration.ts";
import { mostCounted } from "../counting/most-counted.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import { named, namedColumns } from "./status.ts";

/** Brought back by one statement. */
const partRows = 500;

/** See CredentialRepository.reviveRefused. */
export async function reviveRefused(
  db: Queries,
  { platform, registration }: { readonly platform: string; readonly registration: Registration },
  now: Date,
): Promise<readonly ServedInstallation[]> {
  const refused = db
    .select({ id: credentials.id })
    .from(credentials)
    .where(
      and(
        eq(credentials.platform, platform),
        eq(credentials.status, "dead"),
        isNull(credentials.registration),
        isOther(credentials.refusedBy, registration),
      ),
    )
    .limit(partRows)
    .for("update", { skipLocked: true });
  const revived = db
    .$with("revived")
    .as(
      db
        .update(credentials)
        .set({ status: "active", refusedBy: null, failures: 0, lastError: null })
        .where(sql`${credentials.id} = any(array(${refused}))`)
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
  const counted = new Map<string, number>();
  for (const [platform, registration] of own) {
    const foreign = db
      .select({ one: sql`1`.as("one") })
      .from(credentials)
      .where(
        and(
          eq(credentials.platform, platform),
          sql`${credentials.status} <> 'revoked'`,
          isOther(credentials.registration, registration),
        ),
      )
      .limit(mostCounted)
      .as("foreign");
    const [row] = await db.select({ rows: count() }).from(foreign);
    if (row !== undefined && row.rows > 0) counted.set(platform, row.rows);
  }
  return counted;
}

/** In words that an index serves, other than "not equal". */
function isOther(column: typeof credentials.registration | typeof credentials.refusedBy, registration: Registration) {
  return or(lt(column, registration), gt(column, registration));
}
