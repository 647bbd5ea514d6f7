import { expect, test } from "vitest";
import { perObject } from "../../src/work/per-object.ts";

test("what was made of an object is known again, by each function for itself", () => {
  let made = 0;
  const make = () => ({ nth: ++made });
  const [one, other] = [perObject(make), perObject(make)];
  const [a, b] = [{}, {}];
  expect([one(a), one(b), one(a), other(a), one(b)].map(({ nth }) => nth)).toEqual([1, 2, 1, 3, 2]);
});

test("a copy is another object, and nobody sees what is kept on one", () => {
  const lengthOf = perObject((words: { readonly text: string }) => words.text.length);
  const words = { text: "four" };
  expect(lengthOf(words)).toBe(4);
  expect(lengthOf({ ...words, text: "three" })).toBe(5);
  expect(Reflect.ownKeys(words)).toEqual(["text"]);
  expect(lengthOf(Object.freeze({ text: "six" }))).toBe(3);
});

test("what came to nothing is asked again", () => {
  let asked = 0;
  const found = perObject((_: object) => (++asked < 3 ? undefined : asked));
  const key = {};
  expect([found(key), found(key), found(key), found(key)]).toEqual([undefined, undefined, 3, 3]);
});
