import { eq } from "drizzle-orm/sql";
import type { Database } from "./database.ts";
import { meta } from "./schema.ts";

/** Which kind of database this is, written into it once. */
export type DatabaseKind = "embedded" | "postgres";

/** The row of `meta` that every migrated and stamped database has. */
export const stampKey = "database_kind";

/**
 * Stamps a fresh database with its kind, and refuses one of the other kind: where rows were copied from one to the other,
 * two services would refresh the same grants.
 */
export async function stamp(database: Database, kind: DatabaseKind): Promise<void> {
  await database.write((db) => db.insert(meta).values({ key: stampKey, value: kind }).onConflictDoNothing());
  const [row] = await database.read((db) => db.select({ value: meta.value }).from(meta).where(eq(meta.key, stampKey)));
  if (row?.value === kind) return;
  throw new Error(
    kind === "postgres"
      ? "this Postgres database holds a copy of an embedded database: use a fresh one"
      : "this data directory holds a copy of a Postgres database: set DATABASE_URL, or use another DATA_DIR",
  );
}
