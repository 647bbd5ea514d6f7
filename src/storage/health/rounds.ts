import { eq, sql } from "drizzle-orm";
import type { Places } from "../../domain/health/concern-repository.ts";
import type { Database } from "../database.ts";
import { meta } from "../schema.ts";

/** The row of `meta` that says when the next round is due, how far the last one came, and when one last came through. */
export const roundKey = "health_watch";

const nowMs = sql`floor(extract(epoch from clock_timestamp()) * 1000)::bigint`;
const known = sql`${meta.value}::jsonb`;

/** See ConcernRepository.beginRound. One statement: of several that want it one changes the row. */
export async function beginRound(database: Database, everyMs: number): Promise<Places | undefined> {
  const due = sql`(${nowMs} + ${everyMs}::bigint)`;
  const dueAt = sql`(${known} ->> 'due')::bigint`;
  const [row] = await database.write((db) =>
    db
      .insert(meta)
      .values({
        key: roundKey,
        // Before the first has come through its age is the time since it was begun.
        value: sql`jsonb_build_object('due', ${due}, 'places', '{}'::jsonb, 'ended', ${nowMs})::text`,
      })
      .onConflictDoUpdate({
        target: meta.key,
        set: { value: sql`jsonb_set(${known}, '{due}', to_jsonb(${due}))::text` },
        // Farther ahead than any round sets it, it was set by a clock that jumped.
        setWhere: sql`${dueAt} <= ${nowMs} or ${dueAt} > ${due}`,
      })
      .returning({ places: sql<Places>`${known} -> 'places'` }),
  );
  return row?.places;
}

/** See ConcernRepository.endRound. */
export async function endRound(database: Database, places: Places, through: boolean): Promise<void> {
  const ended = through ? sql`jsonb_set(${known}, '{ended}', to_jsonb(${nowMs}))` : known;
  const value = sql`jsonb_set(${ended}, '{places}', ${JSON.stringify(places)}::jsonb)::text`;
  await database.write((db) => db.update(meta).set({ value }).where(eq(meta.key, roundKey)));
}
