import { eq, sql } from "drizzle-orm";
import type { ChangeCursor } from "../../domain/deliveries/own-changes.ts";
import type { Database } from "../database.ts";
import { meta } from "../schema.ts";

/** The row of `meta` that says how far changes were sent on. */
export const cursorKey = "forwarded_changes";

/** One row for all replicas. */
export function createChangeCursor(database: Database): ChangeCursor {
  return {
    async read() {
      const [row] = await database.read((db) =>
        db.select({ value: meta.value }).from(meta).where(eq(meta.key, cursorKey)),
      );
      return row === undefined ? undefined : Number(row.value);
    },
    async moveTo(sequence) {
      const value = String(sequence);
      const further = sql`greatest(${meta.value}::bigint, ${value}::bigint)::text`;
      await database.write((db) =>
        db
          .insert(meta)
          .values({ key: cursorKey, value })
          .onConflictDoUpdate({ target: meta.key, set: { value: further } }),
      );
    },
  };
}
