import { and, asc, eq, exists, gte, isNull, lt, lte, ne, or, sql } from "drizzle-orm";
import type { DueCredential, DueQuery } from "../../domain/model/credential-repository.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isFree } from "./lease.ts";
import { readerColumns, toCredential } from "./rows.ts";

/** See CredentialRepository.due. */
export async function dueCredentials(db: Queries, query: DueQuery, sealer: Sealer): Promise<readonly DueCredential[]> {
  const { platform, now, rotatingUsedSince, mintedUsedSince, refreshedBefore, limit, registration } = query;
  const usedSince = sql`case when ${credentials.kind} = 'rotating'
    then ${rotatingUsedSince.toISOString()}::timestamptz else ${mintedUsedSince.toISOString()}::timestamptz end`;
  const usedRecently = db
    .select({ id: installations.id })
    .from(installationCredentials)
    .innerJoin(installations, eq(installations.id, installationCredentials.installationId))
    .where(
      and(
        eq(installationCredentials.credentialId, credentials.id),
        eq(installations.status, "active"),
        gte(installations.lastUsedAt, usedSince),
      ),
    );
  const atRest = and(
    eq(credentials.kind, "rotating"),
    refreshedBefore === undefined ? sql`false` : lte(credentials.refreshedAt, refreshedBefore),
  );
  const isOwn = or(isNull(credentials.registration), eq(credentials.registration, registration));
  const failing = sql`${credentials.failures} > 0`;
  const turn = sql`row_number() over (partition by ${failing}, ${credentials.owner} order by ${credentials.expiresAt})`;
  const rows = await db
    .select({ ...readerColumns, owner: credentials.owner })
    .from(credentials)
    .where(
      and(
        eq(credentials.platform, platform),
        eq(credentials.status, "active"),
        ne(credentials.kind, "long_lived"),
        isOwn,
        isFree,
        or(and(lte(credentials.refreshAfter, now), exists(usedRecently)), atRest),
      ),
    )
    .orderBy(failing, turn, asc(credentials.expiresAt))
    .limit(limit);
  const lapsed = await db
    .select({ ...readerColumns, owner: credentials.owner })
    .from(credentials)
    .where(
      and(
        eq(credentials.platform, platform),
        eq(credentials.status, "dead"),
        eq(credentials.kind, "app_installation"),
        lt(credentials.failures, lastVisit),
        isFree,
        isOwn,
      ),
    )
    .orderBy(asc(credentials.leaseUntil))
    .limit(limit - rows.length);
  return [...rows, ...lapsed].map((row) => ({ credential: toCredential(row, sealer), owner: row.owner ?? undefined }));
}

/** After so many refusals, about a day of them, only a caller's call looks whether it came back. */
const lastVisit = 36;
