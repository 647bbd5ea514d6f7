import { sql } from "drizzle-orm";
import type { AuditLog } from "../domain/audit.ts";
import type { Database } from "./database.ts";
import { auditEvents } from "./schema.ts";

export function createAuditLog({
  database,
  newId,
}: {
  readonly database: Database;
  readonly newId: () => string;
}): AuditLog {
  return {
    async append(events) {
      if (events.length === 0) return;
      // One statement text for any number of rows, so that it stays prepared.
      const rows = JSON.stringify(events.map((event) => ({ ...event, id: newId() })));
      const columns = sql`
        id uuid, at timestamptz(3), kind text, caller text, method text, "installationId" uuid,
        "tokenFingerprint" text, address text, "requestId" text, count integer`;
      await database.write((db) =>
        db
          .insert(auditEvents)
          .select(
            sql`select id, at, kind, caller, method, "installationId", "tokenFingerprint", address, "requestId", count
              from jsonb_to_recordset(${rows}::jsonb) as event(${columns})`,
          )
          .prepare("append_audit")
          .execute(),
      );
    },
  };
}
