import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";

/** The value of a row of `distinctValues`. */
export const distinctValue = sql<string>`value`;

/**
 * The values of a text column without null, as a table: each found behind the one before it by an index on the column,
 * or on what `condition` fixes and then the column. Postgres' own DISTINCT reads every row.
 */
export function distinctValues(column: PgColumn, condition: SQL = sql`true`): SQL {
  const next = (beyond: SQL) =>
    sql`select ${column} as value from ${column.table} where ${condition} and ${beyond} order by ${column} limit 1`;
  return sql`(
    with recursive found as (
      (${next(sql`${column} is not null`)})
      union all
      select further.value from found cross join lateral (${next(sql`${column} > found.value`)}) as further
    )
    select value from found
  ) as distinct_values`;
}
