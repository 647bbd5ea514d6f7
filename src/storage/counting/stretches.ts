import { setTimeout as delay } from "node:timers/promises";
import { getTableName, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Database, Queries } from "../database.ts";
import { createPortion } from "../portion.ts";

/** In pages; the first stretch is of 4 MB. */
const stretch = { first: 512, most: 16_384, aimMs: 100 };
/** So often in a row is less of it asked for where there was no answer in time. */
const mostShorter = 2;

/**
 * Reads a table in stretches of its pages, each by one statement, and between them leaves the database alone for as long
 * as that took. `read` is given the condition that names a stretch. What is changed meanwhile may be read twice or not at
 * all; a table of one stretch is read as it is.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export async function readInStretches<Row>(
  database: Database,
  table: PgTable,
  read: (db: Queries, stretch: SQL) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const end = await countPages(database, table);
  const rows: Row[] = [];
  const pages = createPortion(stretch);
  for (let from = 0, shorter = 0; ; ) {
    const to = from + pages.size < end ? from + pages.size : undefined;
    const startedAt = performance.now();
    try {
      rows.push(...(await database.read((db) => read(db, stretchOf(table, from, to)))));
    } catch (error) {
      // What is not in memory takes far longer than what came before it.
      if (shorter === mostShorter) throw error;
      shorter += 1;
      pages.took(Number.POSITIVE_INFINITY);
      await delay(performance.now() - startedAt);
      continue;
    }
    if (to === undefined) return rows;
    const tookMs = performance.now() - startedAt;
    from = to;
    shorter = 0;
    pages.took(tookMs);
    await delay(tookMs);
  }
}

async function countPages(database: Database, table: PgTable): Promise<number> {
  const bytes = sql`pg_relation_size(to_regclass(${getTableName(table)}))`;
  const pages = sql`${bytes} / current_setting('block_size')::int`.mapWith(Number);
  const [row] = await database.read((db) => db.select({ pages }).from(sql`(select 1) as one`));
  return row?.pages ?? 0;
}

/** The last one has no end, so that it has what came since. */
function stretchOf(table: PgTable, from: number, to: number | undefined): SQL {
  const beginning = sql`${table}.ctid >= ${`(${from},0)`}::tid`;
  return to === undefined ? beginning : sql`${beginning} and ${table}.ctid < ${`(${to},0)`}::tid`;
}
