import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { ServiceError } from "../../src/errors.ts";
import { inTurn } from "../../src/work/in-turn.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what arrives while a write is under way shares the next one", async () => {
  const gate = createGate();
  const written: (readonly number[])[] = [];
  const keep = inTurn<number>(async (items) => {
    written.push(items);
    await gate.opened;
  });
  const kept = [keep([1]), keep([2]), keep([3, 4])];
  expect(written).toEqual([[1]]);
  gate.open();
  await Promise.all(kept);
  expect(written).toEqual([[1], [2, 3, 4]]);
});

test("writes begin apart: one alone at once, and what follows it together when the time has come", async () => {
  const written: (readonly number[])[] = [];
  const keep = inTurn<number>(async (items) => void written.push(items), 10);
  await keep([1]);
  const kept = [keep([2]), keep([3])];
  await vi.advanceTimersByTimeAsync(9);
  expect(written).toEqual([[1]]);
  await vi.advanceTimersByTimeAsync(1);
  await Promise.all(kept);
  expect(written).toEqual([[1], [2, 3]]);

  await vi.advanceTimersByTimeAsync(10);
  await keep([4]);
  expect(written).toEqual([[1], [2, 3], [4]]);
});

test("of a write that fails for what is in it each part is tried alone; for want of the database all are told", async () => {
  let why = new Error("no such row");
  const keep = inTurn<number>(async (items) => {
    if (items.includes(2)) throw why;
  });
  const results = () =>
    Promise.allSettled([keep([1]), keep([2]), keep([3])]).then((all) => all.map((one) => one.status));
  expect(await results()).toEqual(["fulfilled", "rejected", "fulfilled"]);
  why = new ServiceError("SERVICE_UNAVAILABLE", "away");
  expect(await results()).toEqual(["fulfilled", "rejected", "rejected"]);
});
