import { sql } from "drizzle-orm/sql";
import type { RecordClock } from "../domain/record/upkeep.ts";
import type { Database } from "./database.ts";
import { meta } from "./schema.ts";

/** The database's time, also within a transaction and a statement. */
export const databaseNow = sql`clock_timestamp()`;
/**
 * What is due by now, for conditions: an index serves no clock that moves on within the statement. What is kept is
 * rounded to milliseconds.
 */
export const dueNow = sql`statement_timestamp() + interval '1 millisecond'`;

/** So many milliseconds ago, for conditions as well. */
export function msAgo(ms: number) {
  return sql`statement_timestamp() - ${ms}::float8 * interval '1 millisecond'`;
}

/** So many milliseconds from now on. */
export function inMs(ms: unknown) {
  return sql`${databaseNow} + ${ms}::float8 * interval '1 millisecond'`;
}

const one = sql`(select 1) as one`;
const epochMs = sql`extract(epoch from ${databaseNow})::float8 * 1000`.mapWith(Number);

/** The database's time in milliseconds since 1970. @throws ServiceError SERVICE_UNAVAILABLE. */
export async function readDatabaseMs(database: Database): Promise<number> {
  const [row] = await database.read((db) => db.select({ now: epochMs }).from(one));
  if (row === undefined) throw new Error("the database did not say what time it is");
  return row.now;
}

/** Between two looks of the service a clock goes on by less, unless the service was away. */
const mostMs = 2 * 24 * 3_600_000;
/** A time service may set a clock back by a little. */
const backMs = 60_000;

/** See RecordUpkeep.watchClock. One row, changed by one statement, so that a restart forgets nothing. */
export async function watchClock(database: Database): Promise<RecordClock> {
  const ms = sql`floor(extract(epoch from statement_timestamp()) * 1000)::bigint`;
  const part = (n: number) => sql`split_part(${meta.value}, ' ', ${sql.raw(String(n))})`;
  const goesOn = sql`${ms} between ${part(1)}::bigint - ${backMs}::bigint and ${part(1)}::bigint + ${mostMs}::bigint`;
  const [row] = await database.write((db) =>
    db
      .insert(meta)
      .values({ key: "clock", value: sql`concat(${ms}, ' ', ${ms})` })
      .onConflictDoUpdate({
        target: meta.key,
        set: { value: sql`concat(${ms}, ' ', case when ${goesOn} then ${part(2)} else ${ms}::text end)` },
      })
      .returning({ value: meta.value }),
  );
  const [now = Number.NaN, steadySince = Number.NaN] = (row?.value ?? "").split(" ").map(Number);
  return { now: new Date(now), steadySince: new Date(steadySince) };
}
