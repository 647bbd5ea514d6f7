import { type Placeholder, sql } from "drizzle-orm";

/**
 * How many rows a statement gives, as part of its text. A plan that Postgres keeps is made for a tenth of all rows where
 * that is a parameter: it is then given up for one made anew with every call, which takes longer than the rows.
 */
export function knownLimit(rows: number): Placeholder {
  // drizzle's type knows numbers, which become parameters, and placeholders; it puts any SQL where it belongs.
  return sql.raw(String(Math.trunc(rows))) as unknown as Placeholder;
}

/** Pages that statements are made for, each with one row more, which tells of a next page. */
const pageRows = [51, 101, 251, 501];

/** The least of a few limits that gives so many rows, so that there are few statements whatever is asked for. */
export function pageLimit(rows: number): Placeholder {
  return knownLimit(pageRows.find((most) => most >= rows) ?? rows);
}
