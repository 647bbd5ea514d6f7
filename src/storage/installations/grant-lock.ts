import { sql } from "drizzle-orm";
import type { Queries } from "../database.ts";

/** What connecting and revoking contend for. */
export interface Grants {
  readonly platform: string;
  readonly owner: string | undefined;
  readonly orgIds: readonly string[];
  readonly subjects: readonly string[];
}

/**
 * Lets one transaction at a time change which credentials serve these organizations and grants, also where no row
 * exists yet. Held until the transaction ends; taken in one order.
 */
export async function lockGrants(tx: Queries, ...grants: readonly Grants[]): Promise<void> {
  const keys = grants.flatMap(({ platform, owner, orgIds, subjects }) => [
    ...orgIds.map((orgId) => JSON.stringify(["organization", platform, orgId])),
    ...subjects.map((subject) => JSON.stringify(["grant", platform, owner ?? null, subject])),
  ]);
  for (const key of [...new Set(keys)].sort()) {
    await tx
      .select({ locked: sql`pg_advisory_xact_lock(hashtextextended(${key}, 0))` })
      .from(sql`(select 1) as one`)
      .prepare("lock_grant")
      .execute();
  }
}
