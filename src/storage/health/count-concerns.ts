import { count, eq, sql } from "drizzle-orm/sql";
import type { Statistics } from "../../domain/model/telemetry.ts";
import type { Database } from "../database.ts";
import { concerns, meta } from "../schema.ts";
import { roundKey } from "./rounds.ts";

/** What of the statistics is about what needs a person. */
export async function countConcerns(database: Database): Promise<Pick<Statistics, "concerns" | "watchedSecondsAgo">> {
  const { platform, kind } = concerns;
  const ended = sql`to_timestamp((${meta.value}::jsonb ->> 'ended')::float8 / 1000)`;
  const ago = sql<number | null>`extract(epoch from clock_timestamp() - ${ended})::float8`;
  const [counted, [round]] = await Promise.all([
    database.read((db) => db.select({ platform, kind, count: count() }).from(concerns).groupBy(platform, kind)),
    database.read((db) => db.select({ ago }).from(meta).where(eq(meta.key, roundKey))),
  ]);
  return { concerns: counted, watchedSecondsAgo: round?.ago ?? undefined };
}
