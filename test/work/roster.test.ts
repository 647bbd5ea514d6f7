import { expect, test } from "vitest";
import { Roster } from "../../src/work/roster.ts";

test("who is added is there until taken off, and is given back once", () => {
  const roster = new Roster<{ readonly name: string }>();
  const [a, b] = [{ name: "a" }, { name: "b" }];
  const takeA = roster.add(a);
  roster.add(b);
  expect([...roster]).toEqual([a, b]);
  expect([takeA(), takeA()]).toEqual([a, undefined]);
  expect([[...roster], roster.size]).toEqual([[b], 1]);
});

test("who leaves while all are looked at is passed over, and hides nobody", () => {
  const roster = new Roster<{ readonly at: number }>();
  const takes = [0, 1, 2, 3].map((at) => roster.add({ at }));
  const seen: number[] = [];
  for (const { at } of roster) {
    seen.push(at);
    takes[at + 1]?.();
  }
  expect(seen).toEqual([0, 2]);
});

test("after it was emptied nobody is given twice", () => {
  const roster = new Roster();
  const item = {};
  const take = roster.add(item);
  expect(roster.empty()).toEqual([item]);
  expect([take(), roster.size, roster.empty()]).toEqual([undefined, 0, []]);
});
