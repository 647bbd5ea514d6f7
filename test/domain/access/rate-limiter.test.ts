import { expect, test } from "vitest";
import { createRateLimiter } from "../../../src/domain/access/rate-limiter.ts";

const rate = { perSecond: 10, burst: 3 };

function start(maxKeys?: number) {
  let ms = 1_700_000_000_000;
  const limiter = createRateLimiter({ now: () => new Date(ms), ...(maxKeys === undefined ? {} : { maxKeys }) });
  return { limiter, pass: (passed: number) => (ms += passed) };
}

test("lets a burst through, and says exactly when the next one may come", () => {
  const { limiter, pass } = start();
  const take = () => limiter.take("a", rate);
  expect([take(), take(), take(), take()]).toEqual([0, 0, 0, 100]);
  pass(40);
  expect(take()).toBe(60);
  pass(60);
  expect([take(), take()]).toEqual([0, 100]);
});

test("never holds more than a burst, and refusals cost nothing", () => {
  const { limiter, pass } = start();
  for (let times = 0; times < 50; times++) limiter.take("a", rate);
  pass(3_600_000);
  expect(Array.from({ length: 5 }, () => limiter.take("a", rate))).toEqual([0, 0, 0, 100, 100]);
});

test("keeps callers apart", () => {
  const { limiter } = start();
  for (let times = 0; times < 3; times++) limiter.take("a", rate);
  expect([limiter.take("a", rate) > 0, limiter.take("b", rate)]).toEqual([true, 0]);
});

test("a clock that goes back gives nothing and takes nothing", () => {
  const { limiter, pass } = start();
  for (let times = 0; times < 3; times++) limiter.take("a", rate);
  pass(-60_000);
  expect(limiter.take("a", rate)).toBe(100);
  pass(100);
  expect(limiter.take("a", rate)).toBe(0);
});

test("a rate below one call a second waits for whole calls", () => {
  const { limiter, pass } = start();
  const slow = { perSecond: 0.1, burst: 1 };
  expect([limiter.take("a", slow), limiter.take("a", slow)]).toEqual([0, 10_000]);
  pass(10_000);
  expect(limiter.take("a", slow)).toBe(0);
});

test("remembers so many callers and no more", () => {
  const { limiter } = start(2);
  for (const key of ["a", "a", "a", "b", "c"]) limiter.take(key, rate);
  expect(limiter.take("a", rate)).toBe(0);
});
