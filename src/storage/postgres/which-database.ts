import { sql } from "drizzle-orm/sql";
import type { Database } from "../database.ts";

/** What tells a database from those of other servers, and from the others of its server, until that starts anew. */
export async function whichDatabase(database: Database): Promise<string | undefined> {
  const name = sql<string>`concat(extract(epoch from pg_postmaster_start_time()), ' ', current_database())`;
  const [found] = await database.read((db) => db.select({ name }).from(sql`(select 1) as one`));
  return found?.name;
}
