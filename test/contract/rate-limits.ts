import { describe, expect, test } from "vitest";
import { unique } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What rates that all replicas share rest on, whatever the database. */
export function describeRateLimits({ storage, raw }: OpenedStorage): void {
  const { rateLimits } = storage;
  const limit = { most: 5, windowSeconds: 60 };

  const end = (key: string) =>
    raw("update rate_limits set ends_at = now() - interval '1 second' where key = $1", [key]);

  describe("a shared rate limit", () => {
    test("lets so many through, and tells the others how long to wait", async () => {
      const key = unique("key");
      const waits = await Promise.all(Array.from({ length: 20 }, () => rateLimits.count(key, limit)));
      expect(waits.filter((wait) => wait === 0)).toHaveLength(5);
      for (const wait of waits) expect(wait).toBeLessThanOrEqual(60_000);
      expect(waits.filter((wait) => wait > 30_000)).toHaveLength(15);
    });

    test("begins anew when its window has ended, by the database's clock", async () => {
      const key = unique("key");
      for (let times = 0; times < 9; times++) await rateLimits.count(key, limit);
      expect(await rateLimits.count(key, limit)).toBeGreaterThan(0);
      await end(key);
      const again = [];
      for (let times = 0; times < 6; times++) again.push((await rateLimits.count(key, limit)) > 0);
      expect(again).toEqual([false, false, false, false, false, true]);
    });

    test("of a clock that jumped locks nobody out", async () => {
      const key = unique("key");
      for (let times = 0; times < 9; times++) await rateLimits.count(key, limit);
      await raw("update rate_limits set ends_at = now() + interval '1 day' where key = $1", [key]);
      expect(await rateLimits.count(key, limit)).toBe(0);
    });

    test("keeps keys apart, and forgets those whose window has ended", async () => {
      const [ended, open] = [unique("ended"), unique("open")];
      for (let times = 0; times < 6; times++) await rateLimits.count(ended, limit);
      expect(await rateLimits.count(open, limit)).toBe(0);
      await end(ended);
      await rateLimits.prune();
      const rows = await raw("select key from rate_limits where key in ($1, $2)", [ended, open]);
      expect(rows).toEqual([{ key: open }]);
    });
  });
}
