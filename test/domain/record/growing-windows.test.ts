import { expect, test } from "vitest";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import { createGrowingWindows } from "../../../src/domain/record/growing-windows.ts";

const event: AuditEvent = { kind: "token.repeated", at: new Date(0), caller: "ci", method: "GetToken", count: 1 };

/** With a clock that stands still unless it is moved. */
function create(most?: number) {
  let nowMs = 1_000_000;
  const windows = createGrowingWindows({ now: () => new Date(nowMs) }, most);
  const advance = (ms: number) => {
    nowMs += ms;
  };
  return { ...windows, advance };
}

/** Seconds after which each window of what comes every second was taken. */
function takenAt(seconds: number, { count, take, advance }: ReturnType<typeof create>): readonly number[] {
  const at: number[] = [];
  for (let second = 1; second <= seconds; second++) {
    count("a", () => event);
    advance(1_000);
    if (take(false).length > 0) at.push(second);
  }
  return at;
}

test("windows grow from one second to five minutes, and none is longer", () => {
  const at = takenAt(3_600, create());
  const lengths = at.map((second, index) => second - (at[index - 1] ?? 0));
  // Taken in the round before they would be longer than 1, 3, 9, …, 300 s.
  expect(lengths).toEqual([1, 2, 8, 26, 80, 242, ...Array(10).fill(299)]);
});

test("a window counts what comes in it, with the first one's event and the last one's time", () => {
  const { count, take, advance } = create();
  const window = count("a", () => event);
  advance(400);
  expect(count("a", () => ({ ...event, method: "another" }))).toBe(window);
  expect(take(false)).toMatchObject([{ first: event, count: 2, lastAt: new Date(1_000_400), isOpen: false }]);
  expect(take(true)).toEqual([]);
  expect(count("a", () => event)).not.toBe(window);
});

test("each key has windows of its own", () => {
  const { count, take, advance } = create();
  for (let second = 0; second < 100; second++) {
    count("old", () => event);
    advance(1_000);
    take(false);
  }
  count("new", () => event);
  advance(1_000);
  expect(take(false).map(({ key }) => key)).toEqual(["new"]);
});

test("what comes now and then stays in long windows; after an hour of silence they begin anew", () => {
  const created = create();
  const { count, take, advance } = created;
  takenAt(1_000, created);
  take(true);
  advance(3_000_000);
  count("a", () => event);
  advance(1_000);
  expect(take(false)).toEqual([]);
  advance(298_000);
  expect(take(false)).toHaveLength(1);
  advance(3_602_000);
  count("a", () => event);
  advance(1_000);
  expect(take(false)).toHaveLength(1);
});

test("all are taken at the end, the earliest in front", () => {
  const created = create();
  takenAt(1_000, created);
  created.count("b", () => event);
  expect(created.take(true).map(({ key }) => key)).toEqual(["a", "b"]);
});

test("a clock that is set back keeps no window open for long", () => {
  const created = create();
  takenAt(2_000, created);
  created.advance(-7 * 86_400_000);
  expect(created.take(false)).toMatchObject([{ key: "a" }]);
});

test("what could not be written goes on, together with what came since, and is taken by the next round", () => {
  const { count, take, putBack, advance } = create();
  count("a", () => event);
  count("alone", () => event);
  const taken = take(true);
  const later = count("a", () => ({ ...event, method: "later" }));
  putBack(taken);
  expect(count("a", () => event)).toBe(later);
  count("alone", () => event);
  advance(1);
  expect(take(false)).toMatchObject([
    { key: "a", first: event, count: 3 },
    { key: "alone", first: event, count: 2 },
  ]);
});

test("more keys than are held at once are taken early: memory is bounded", () => {
  const { count, take, advance } = create(100);
  const keys = Array.from({ length: 110 }, (_, n) => `${n}`);
  for (const key of keys) count(key, () => event);
  take(true);
  // Second windows, which are three seconds long, but for the ten that were forgotten.
  for (const key of keys.toReversed()) count(key, () => event);
  advance(1_000);
  expect(take(false).map(({ key }) => key)).toEqual([
    ...keys.slice(-10).toReversed(),
    ...keys.slice(0, 10).toReversed(),
  ]);
});
