import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs, fraction } from "../../../src/domain/refreshing/backoff.ts";

const failures = fc.nat(1_000_000);
const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("is never above 8 s, and below half a second after the first failure", () => {
  fc.assert(
    fc.property(failures, jitter, (count, random) => {
      const wait = backoffMs(count, () => random);
      expect(wait).toBeGreaterThanOrEqual(250);
      expect(wait).toBeLessThan(8_000);
      if (count === 0) expect(wait).toBeLessThan(500);
    }),
  );
});

test("doubles until it is capped", () => {
  const waits = Array.from({ length: 7 }, (_, count) => backoffMs(count, () => 0));
  expect(waits.slice(0, 4)).toEqual([250, 500, 1_000, 2_000]);
  expect(new Set(waits.slice(4)).size).toBe(1);
});

test("spreads over half of its length, so that those who failed together do not come back together", () => {
  const waits = new Set(Array.from({ length: 200 }, () => backoffMs(9, () => fraction(randomBytes))));
  expect(waits.size).toBeGreaterThan(190);
  expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(2_000);
});

test("a fraction is at least 0 and less than 1", () => {
  const of = (byte: number) => fraction((bytes) => Buffer.alloc(bytes, byte));
  expect(of(0)).toBe(0);
  expect(of(0xff)).toBeLessThan(1);
  expect(of(0x80)).toBeCloseTo(0.5, 1);
});
