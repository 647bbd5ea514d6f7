import { count, sql } from "drizzle-orm";
import { isLive } from "../conditions.ts";
import type { Database } from "../database.ts";
import { installations } from "../schema.ts";
import { readInStretches } from "./stretches.ts";

/** Counting may take a hundredth of the time. */
const rest = 100;

/** How many installations of a platform have not ended, as last counted. @throws ServiceError SERVICE_UNAVAILABLE. */
export type CountLive = (platform: string) => Promise<number>;

/** Counts all platforms at once, and anew once that has rested for long enough. */
export function createCountLive(database: Database): CountLive {
  let counting: Promise<void> | undefined;
  let counted = new Map<string, number>();
  let validUntilMs = Number.NEGATIVE_INFINITY;

  async function countAll(): Promise<void> {
    const startedMs = performance.now();
    const { platform } = installations;
    const rows = await readInStretches(database, installations, (db, stretch) =>
      db.select({ platform, rows: count() }).from(installations).where(sql`${stretch} and ${isLive}`).groupBy(platform),
    );
    counted = new Map();
    for (const { platform, rows: more } of rows) counted.set(platform, (counted.get(platform) ?? 0) + more);
    const now = performance.now();
    validUntilMs = now + (now - startedMs) * rest;
  }

  return async (platform) => {
    if (performance.now() >= validUntilMs) {
      counting ??= countAll().finally(() => {
        counting = undefined;
      });
      await counting;
    }
    return counted.get(platform) ?? 0;
  };
}
