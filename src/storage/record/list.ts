import { and, desc, eq, gte, inArray, lt, or, type SQL, sql } from "drizzle-orm";
import type { Position } from "../../domain/model/installation.ts";
import type { AuditFilter, AuditSight, RecordedEvent, RecordReader } from "../../domain/record/list-events.ts";
import type { Database, Queries } from "../database.ts";
import { auditEvents, installations } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import type { AuditRow } from "./rows.ts";

export function createRecordReader(database: Database): RecordReader {
  return {
    list: (filter, sights, after, limit) => database.read((db) => list(db, { filter, sights, after, limit })),
  };
}

interface Query {
  readonly filter: AuditFilter;
  readonly sights: readonly AuditSight[];
  readonly after: Position | undefined;
  readonly limit: number;
}

async function list(db: Queries, { filter, sights, after, limit }: Query): Promise<readonly RecordedEvent[]> {
  const { installationId, caller, kind, from, until } = filter;
  if (installationId !== undefined && !isUuid(installationId)) return [];
  const { at, id } = auditEvents;
  const rows = await db
    .select()
    .from(auditEvents)
    .where(
      and(
        installationId === undefined ? undefined : eq(auditEvents.installationId, installationId),
        caller === undefined ? undefined : eq(auditEvents.caller, caller),
        kind === undefined ? undefined : sql`${auditEvents.kind} = ${kind}`,
        from === undefined ? undefined : gte(at, from),
        until === undefined ? undefined : lt(at, until),
        shownBy(sights),
        after === undefined
          ? undefined
          : sql`(${at}, ${id}) < (${sql.param(after.createdAt, at)}, ${sql.param(after.id, id)})`,
      ),
    )
    .orderBy(desc(at), desc(id))
    .limit(limit)
    .prepare("list_audit_events")
    .execute();
  return rows.map(toEvent);
}

function shownBy(sights: readonly AuditSight[]): SQL | undefined {
  if (sights.some(({ platforms, owners }) => platforms === "all" && owners === "all")) return undefined;
  const each = sights.map(({ platforms, partly, owners }) =>
    and(
      platforms === "all" ? undefined : or(inArray(auditEvents.platform, [...platforms]), seenPartly(partly)),
      owners === "all" ? undefined : inArray(auditEvents.owner, [...owners]),
    ),
  );
  // No rule at all shows nothing.
  return or(...each) ?? sql`false`;
}

/** By the products of the installation a row is about; where that is none, or there no more, by what the row names. */
function seenPartly(products: readonly string[]): SQL | undefined {
  if (products.length === 0) return undefined;
  const { installationId, platform } = auditEvents;
  const names = sql.param(products, installations.products);
  const about = sql`select ${installations.products} && ${names} from ${installations} where ${installations.id} = ${installationId}`;
  return sql`coalesce((${about}), ${platform} = any(${names}))`;
}

function toEvent(row: AuditRow): RecordedEvent {
  return {
    id: row.id,
    kind: row.kind,
    at: row.at,
    caller: row.caller,
    method: row.method,
    installationId: row.installationId ?? undefined,
    owner: row.owner ?? undefined,
    platform: row.platform ?? undefined,
    tokenFingerprint: row.tokenFingerprint ?? undefined,
    address: row.address ?? undefined,
    requestId: row.requestId ?? undefined,
    policyHash: row.policyHash ?? undefined,
    detail: row.detail ?? undefined,
    count: row.count,
  };
}
