import { sql } from "drizzle-orm/sql";
import type { Database } from "../database.ts";
import { createPostgresPool, type PoolOptions } from "./pool.ts";

/** What tells a database from those of other servers, and from the others of its server, until that starts anew. */
export async function whichDatabase(database: Database): Promise<string | undefined> {
  const name = sql<string>`concat(extract(epoch from pg_postmaster_start_time()), ' ', current_database())`;
  const [found] = await database.read((db) => db.select({ name }).from(sql`(select 1) as one`));
  return found?.name;
}

/**
 * A pooler and the direct way beside it: what is heard on the one is taken for what was stored by the other.
 * @throws Error if they lead to two databases; ServiceError SERVICE_UNAVAILABLE.
 */
export async function requireOneDatabase(
  pooled: Database,
  direct: Pick<PoolOptions, "target" | "random" | "log">,
): Promise<void> {
  const other = createPostgresPool({ ...direct, maxConnections: 1, pooled: false });
  try {
    if ((await whichDatabase(pooled)) === (await whichDatabase(other))) return;
    throw new Error(
      "DATABASE_URL leads to another database than DATABASE_DIRECT_URL, where no change of it would be heard of: let both name a way to one database",
    );
  } finally {
    await other.close();
  }
}
