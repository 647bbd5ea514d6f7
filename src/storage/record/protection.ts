import { sql } from "drizzle-orm";
import type { Database } from "../database.ts";

/** Why the record is not safe from the very role that writes it; undefined: it is. */
export type ProtectionGap = "superuser" | "owner" | "privileges";

/** Whether the role of this connection could change or remove what is on record. */
export async function findProtectionGap(database: Database): Promise<ProtectionGap | undefined> {
  const [row] = await database.read((db) =>
    db
      .select({
        superuser: sql<boolean>`(select rolsuper from pg_roles where rolname = current_user)`,
        owner: sql<boolean>`(select bool_or(pg_has_role(relowner, 'member')) from pg_class
          where oid in ('audit_events'::regclass, 'audit_chains'::regclass))`,
        changes: sql<boolean>`has_table_privilege('audit_events', 'update, delete, truncate, trigger')
          or has_table_privilege('audit_chains', 'delete, truncate, trigger')`,
      })
      .from(sql`(select 1) as one`),
  );
  if (row === undefined || row.superuser) return "superuser";
  if (row.owner) return "owner";
  return row.changes ? "privileges" : undefined;
}
