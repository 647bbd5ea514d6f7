import { count, eq, sql } from "drizzle-orm/sql";
import type { Pressing } from "../../domain/model/telemetry.ts";
import { readInStretches } from "../counting/stretches.ts";
import type { Database } from "../database.ts";
import { concerns, meta } from "../schema.ts";
import { roundKey } from "./rounds.ts";

/** What of the pressing is about what needs a person. */
export async function countConcerns(database: Database): Promise<Pick<Pressing, "concerns" | "watchedSecondsAgo">> {
  const { platform, kind } = concerns;
  const ended = sql`to_timestamp((${meta.value}::jsonb ->> 'ended')::float8 / 1000)`;
  const ago = sql<number | null>`extract(epoch from clock_timestamp() - ${ended})::float8`;
  const [counted, [round]] = await Promise.all([
    readInStretches(database, concerns, (db, stretch) =>
      db.select({ platform, kind, count: count() }).from(concerns).where(stretch).groupBy(platform, kind),
    ),
    database.read((db) => db.select({ ago }).from(meta).where(eq(meta.key, roundKey))),
  ]);
  return { concerns: summed(counted), watchedSecondsAgo: round?.ago ?? undefined };
}

function summed(counted: Pressing["concerns"]): Pressing["concerns"] {
  const sums = new Map<string, Pressing["concerns"][number]>();
  for (const one of counted) {
    const key = `${one.platform} ${one.kind}`;
    sums.set(key, { ...one, count: one.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}
