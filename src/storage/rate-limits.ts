import { and, eq, gt, lte } from "drizzle-orm";
import { sql } from "drizzle-orm/sql";
import type { RateLimits } from "../domain/connecting/address-rates.ts";
import type { Database } from "./database.ts";
import { deleteInParts } from "./delete-in-parts.ts";
import { rateLimits } from "./schema.ts";

const now = sql`statement_timestamp()`;

/** One row for each key, changed by one statement. */
export function createRateLimits(database: Database): RateLimits {
  return {
    async count(key, { most, windowSeconds }) {
      const ends = sql`${now} + make_interval(secs => ${windowSeconds})`;
      // Farther ahead than any window of it ends, it was set by a clock that jumped.
      const hasEnded = sql`(${rateLimits.endsAt} <= ${now} or ${rateLimits.endsAt} > ${ends} + interval '1 minute')`;
      const [row] = await database.write((db) =>
        db
          .insert(rateLimits)
          .values({ key, count: 1, endsAt: ends })
          .onConflictDoUpdate({
            target: rateLimits.key,
            set: {
              // Nobody needs to know how much more than too much it was.
              count: sql`case when ${hasEnded} then 1 else least(${rateLimits.count}, ${most}) + 1 end`,
              endsAt: sql`case when ${hasEnded} then ${ends} else ${rateLimits.endsAt} end`,
            },
          })
          .returning({
            count: rateLimits.count,
            leftMs: sql`extract(epoch from ${rateLimits.endsAt} - ${now}) * 1000`.mapWith(Number),
          }),
      );
      if (row === undefined || row.count <= most) return 0;
      // A statement that waited for the row began before the window of the one it waited for.
      return Math.min(Math.max(1, Math.ceil(row.leftMs)), windowSeconds * 1_000);
    },

    async giveBack(key) {
      await database.write((db) =>
        db
          .update(rateLimits)
          .set({ count: sql`${rateLimits.count} - 1` })
          .where(and(eq(rateLimits.key, key), gt(rateLimits.count, 0), gt(rateLimits.endsAt, now))),
      );
    },

    async prune() {
      await deleteInParts(database, rateLimits, rateLimits.key, {
        by: rateLimits.endsAt,
        where: lte(rateLimits.endsAt, now),
      });
    },
  };
}
