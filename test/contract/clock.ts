import { beforeEach, describe, expect, test } from "vitest";
import type { OpenedStorage } from "./harness.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How the database's clock is read and watched, whatever the database. */
export function describeClock({ storage, raw }: OpenedStorage): void {
  const { record } = storage;
  const noteSeen = (seenAgoMs: number, steadyForMs: number) => {
    const [seen, since] = [seenAgoMs, steadyForMs].map((ms) => Math.floor(Date.now() - ms));
    return raw("insert into meta values ('clock', $1)", [`${seen} ${since}`]);
  };

  describe("the database's clock", () => {
    beforeEach(async () => void (await raw("delete from meta where key = 'clock'")));

    test("is read in milliseconds, whatever the session shows dates like", async () => {
      const before = Date.now();
      const read = await storage.readTimeMs();
      // Seconds, hours or a calendar would be far off; two clocks of one machine may differ by some milliseconds.
      expect(read).toBeGreaterThanOrEqual(before - 500);
      expect(read).toBeLessThanOrEqual(Date.now() + 500);
    });

    test("has gone on from the first look, however many replicas look", async () => {
      const looks = await Promise.all(Array.from({ length: 8 }, () => record.watchClock()));
      const first = Math.min(...looks.map(({ now }) => now.getTime()));
      for (const { steadySince } of looks) expect(steadySince.getTime()).toBe(first);
    });

    test.each([
      ["an hour later it has", hourMs, 0],
      ["set back by seconds it has", -30_000, 0],
      ["after a weekend without a look it is taken for a jump", 2.1 * dayMs, undefined],
      ["420 days ahead it jumped", 420 * dayMs, undefined],
      ["an hour back it jumped", -hourMs, undefined],
    ])("%s", async (_, seenAgoMs, steady) => {
      const since = Date.now() - 30 * dayMs;
      await noteSeen(seenAgoMs, 30 * dayMs);
      const { now, steadySince } = await record.watchClock();
      expect(Math.abs(steadySince.getTime() - (steady === undefined ? now.getTime() : since))).toBeLessThan(1_000);
      const again = await record.watchClock();
      expect(again.steadySince, "and this is remembered").toEqual(steadySince);
    });
  });
}
