import { eq, sql } from "drizzle-orm/sql";
import type { Database } from "./database.ts";
import { meta } from "./schema.ts";

/** Which kind of database this is, written into it once. */
export type DatabaseKind = "embedded" | "postgres";

/** The row of `meta` that every migrated and stamped database has. */
export const stampKey = "database_kind";

/** The row of `meta` that names the place before the first change, as no other database names its own. */
export const begunKey = "changes_began";

/** What stands there of an embedded database once its rows are in Postgres; then comes the time. */
export const movedStamp = "moved ";

/**
 * Stamps a fresh database with its kind, and refuses one of the other kind: where rows were copied from one to the other,
 * two services would refresh the same grants.
 */
export async function stamp(database: Database, kind: DatabaseKind): Promise<void> {
  const rows = [
    { key: stampKey, value: kind },
    // The image of an embedded database has none.
    { key: begunKey, value: sql`gen_random_uuid()::text` },
  ];
  await database.write((db) => db.insert(meta).values(rows).onConflictDoNothing());
  const found = await readStamp(database);
  if (found !== kind) throw new Error(refusal(kind, found ?? ""));
}

export async function readStamp(database: Database): Promise<string | undefined> {
  const [row] = await database.read((db) => db.select({ value: meta.value }).from(meta).where(eq(meta.key, stampKey)));
  return row?.value;
}

function refusal(kind: DatabaseKind, found: string): string {
  if (kind === "postgres") {
    return (
      "this Postgres database holds a copy of an embedded database: use an empty one, and bring the rows there with " +
      "oauth-token-service import --from DATA_DIR"
    );
  }
  if (found.startsWith(movedStamp)) {
    return (
      `what this data directory holds was moved to Postgres at ${found.slice(movedStamp.length)}: set DATABASE_URL. ` +
      "Both in use would spend each other's refresh tokens"
    );
  }
  return "this data directory holds a copy of a Postgres database: set DATABASE_URL, or use another DATA_DIR";
}
