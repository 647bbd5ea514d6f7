import { asc, type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Database } from "./database.ts";

/** Rows of one statement: many must not take longer than a write may, or they would never go. */
const partRows = 1_000;

/** What is old of a table, and the column, with an index, that says how old. */
interface Old {
  readonly by: PgColumn;
  readonly where: SQL | undefined;
}

/**
 * Deletes what is old, in parts, the oldest first; returns how many rows. What another replica has just taken up is passed
 * over.
 * @throws ServiceError SERVICE_UNAVAILABLE; what was deleted before stays deleted.
 */
export async function deleteInParts(
  database: Database,
  table: PgTable,
  key: PgColumn,
  { by, where }: Old,
): Promise<number> {
  for (let rows = 0; ; ) {
    const part = await database.write((db) => {
      const some = db
        .select({ key })
        .from(table)
        .where(where)
        // Without an order Postgres reads the table from its beginning, where there is nothing but what was deleted.
        .orderBy(asc(by))
        .limit(partRows)
        .for("update", { skipLocked: true });
      // As an array it is read once: joined, it might be read again, and lock more than it names.
      return db.delete(table).where(sql`${key} = any(array(${some}))`).returning({ key });
    });
    rows += part.length;
    if (part.length < partRows) return rows;
  }
}
