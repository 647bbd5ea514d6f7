import { sql } from "drizzle-orm/sql";
import { getTableName, isTable } from "drizzle-orm/table";
import type { Database } from "./database.ts";
import * as schema from "./schema.ts";

/**
 * Why what was answered as stored may be gone after a crash, in words that follow "the database"; undefined: it may not.
 * Whether commits wait for the disk is stated by every session; these two nobody but the server's operator decides.
 */
export async function findDurabilityGap(database: Database): Promise<string | undefined> {
  const tables = Object.values(schema).filter(isTable).map(getTableName);
  const [found] = await database.read((db) =>
    db.select({ fsync: sql<string>`current_setting('fsync')` }).from(sql`(select 1) as one`),
  );
  const unlogged = await database.read((db) =>
    db
      .select({ name: sql<string>`relname` })
      .from(sql`pg_catalog.pg_class`)
      .where(
        sql`relpersistence = 'u' and relname in ${tables}
          and relnamespace = (select oid from pg_catalog.pg_namespace where nspname = current_schema()) order by relname`,
      ),
  );
  const gaps = [
    ...(found?.fsync === "on" ? [] : ["runs with fsync=off"]),
    ...(unlogged.length === 0 ? [] : [`has unlogged tables (${unlogged.map(({ name }) => name).join(", ")})`]),
  ];
  return gaps.length === 0 ? undefined : gaps.join(" and ");
}
