import { and, asc, desc, eq, gt, isNotNull, lte, not, or, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { Source, Suspects } from "../../domain/health/concern-repository.ts";
import type { Queries } from "../database.ts";
import { concerns, credentials, installationCredentials, installations, webhooks } from "../schema.ts";

/** Installations that are looked at for one that lacks a permission. */
const looksEach = 10;

/** See ConcernRepository.suspects. Each is served by an index, at any depth. */
export async function findSuspects(
  db: Queries,
  source: Source,
  after: string | undefined,
  limit: number,
): Promise<Suspects> {
  switch (source.kind) {
    case "noted": {
      const { installationId } = concerns;
      const rows = await db
        .selectDistinct({ id: installationId })
        .from(concerns)
        .where(after === undefined ? undefined : gt(installationId, after))
        .orderBy(asc(installationId))
        .limit(limit);
      return suspects(rows, limit, ({ id }) => id);
    }
    case "status": {
      const { createdAt, id, status } = installations;
      const rows = await db
        .select({ id, at: createdAt })
        .from(installations)
        .where(and(eq(status, source.status), beyond(createdAt, id, after, "<")))
        .orderBy(desc(createdAt), desc(id))
        .limit(limit);
      return suspects(rows, limit, placeOf);
    }
    case "ending": {
      const { grantExpiresAt } = credentials;
      return ofGrants(db, grantExpiresAt, lte(grantExpiresAt, source.before), after, limit);
    }
    case "resting": {
      const { refreshedAt, platform, kind } = credentials;
      const rests = and(eq(platform, source.platform), eq(kind, "rotating"), lte(refreshedAt, source.before));
      return ofGrants(db, refreshedAt, rests, after, limit);
    }
    case "failing": {
      const { failingSince, platform } = credentials;
      const fails = and(eq(platform, source.platform), lte(failingSince, source.before));
      return ofGrants(db, failingSince, fails, after, limit);
    }
    case "webhooks": {
      const { subject, installationId, silentSince, error } = webhooks;
      const isTroubled = and(isNotNull(installationId), or(isNotNull(silentSince), isNotNull(error)));
      const rows = await db
        .select({ id: sql<string>`${installationId}`, subject })
        .from(webhooks)
        .where(and(isTroubled, after === undefined ? undefined : gt(subject, after)))
        .orderBy(asc(subject))
        .limit(limit);
      return suspects(rows, limit, (row) => row.subject);
    }
    case "unapproved": {
      const { id, platform, status, permissions } = installations;
      const looked = db
        .select({ id, platform, status, permissions })
        .from(installations)
        .where(after === undefined ? undefined : gt(id, after))
        .orderBy(asc(id))
        .limit(limit * looksEach)
        .as("looked");
      const isSuspect = and(
        eq(looked.platform, source.platform),
        eq(looked.status, "active"),
        not(sql`${looked.permissions} @> ${JSON.stringify(source.wanted)}::jsonb`),
      );
      const [row] = await db
        .select({
          ids: sql<string[] | null>`json_agg(${looked.id}) filter (where ${isSuspect})`,
          last: sql<string | null>`max(${looked.id}::text)`,
          count: sql`count(*)`.mapWith(Number),
        })
        .from(looked);
      const isLast = row === undefined || row.last === null || row.count < limit * looksEach;
      return { ids: row?.ids ?? [], next: isLast ? undefined : (row.last ?? undefined) };
    }
  }
}

/** Installations that grants serve, some of them after each other: grants in the order of a time of theirs. */
async function ofGrants(
  db: Queries,
  time: PgColumn & { readonly _: { readonly data: Date } },
  condition: SQL | undefined,
  after: string | undefined,
  limit: number,
): Promise<Suspects> {
  const { id, status } = credentials;
  const served = sql<string[] | null>`(select json_agg(${installationCredentials.installationId})
    from ${installationCredentials} where ${installationCredentials.credentialId} = ${id})`;
  const rows = await db
    .select({ id, at: sql<Date>`${time}`.mapWith(time), served })
    .from(credentials)
    .where(and(eq(status, "active"), condition, beyond(time, id, after, ">")))
    .orderBy(asc(time), asc(id))
    .limit(limit);
  const { next } = suspects(rows, limit, placeOf);
  return { ids: [...new Set(rows.flatMap((row) => row.served ?? []))], next };
}

function suspects<Row extends { readonly id: string }>(
  rows: readonly Row[],
  limit: number,
  place: (row: Row) => string,
): Suspects {
  const last = rows.at(-1);
  return { ids: rows.map(({ id }) => id), next: last === undefined || rows.length < limit ? undefined : place(last) };
}

function placeOf({ id, at }: { readonly id: string; readonly at: Date }): string {
  return `${at.toISOString()} ${id}`;
}

function beyond(time: PgColumn, id: PgColumn, after: string | undefined, way: "<" | ">"): SQL | undefined {
  if (after === undefined) return undefined;
  const [at = "", last = ""] = after.split(" ");
  return sql`(${time}, ${id}) ${sql.raw(way)} (${at}::timestamptz, ${last}::uuid)`;
}
