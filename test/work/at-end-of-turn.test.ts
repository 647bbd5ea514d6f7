import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { atEndOfTurn } from "../../src/work/at-end-of-turn.ts";

test("begins once, after all else of the turn, and again in the next", async () => {
  const done: string[] = [];
  const begin = atEndOfTurn(() => void done.push("begun"));
  begin();
  begin();
  await Promise.resolve().then(() => void done.push("promised"));
  process.nextTick(() => void done.push("ticked"));
  await turn();
  expect(done).toEqual(["promised", "ticked", "begun"]);
  begin();
  await turn();
  expect(done).toEqual(["promised", "ticked", "begun", "begun"]);
});

test("what is begun may ask again", async () => {
  let left = 2;
  const begin = atEndOfTurn(() => {
    left -= 1;
    if (left > 0) begin();
  });
  begin();
  await turn();
  expect(left).toBe(1);
  await turn();
  expect(left).toBe(0);
});
