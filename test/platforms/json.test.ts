import { expect, it } from "vitest";
import {
  arrayAt,
  asRecord,
  booleanAt,
  idAt,
  numberAt,
  recordAt,
  stringAt,
  stringsAt,
} from "../../src/platforms/json.ts";

it.each([undefined, null, 5, "text", [], [["id", 1]]])("finds nothing in %j", (value) => {
  expect(asRecord(value)).toBeUndefined();
  expect(stringAt(value, "id")).toBeUndefined();
  expect(numberAt(value, "length")).toBeUndefined();
  expect(arrayAt(value, "id")).toBeUndefined();
  expect(stringsAt(value, "id")).toEqual({});
});

it("reads each type at its key and nothing else", () => {
  const body = JSON.parse('{"s":"x","e":"","n":1.5,"d":"28800","i":7,"a":[1],"r":{"k":"v","n":1},"b":false,"z":null}');
  expect([stringAt(body, "s"), stringAt(body, "e"), stringAt(body, "i")]).toEqual(["x", undefined, undefined]);
  expect([numberAt(body, "n"), numberAt(body, "d"), numberAt(body, "s")]).toEqual([1.5, 28800, undefined]);
  expect([idAt(body, "i"), idAt(body, "d"), idAt(body, "n")]).toEqual(["7", "28800", undefined]);
  expect([arrayAt(body, "a"), arrayAt(body, "r")]).toEqual([[1], undefined]);
  expect([recordAt(body, "r"), recordAt(body, "a"), recordAt(body, "z")]).toEqual([
    { k: "v", n: 1 },
    undefined,
    undefined,
  ]);
  expect([booleanAt(body, "b"), booleanAt(body, "s")]).toEqual([false, undefined]);
  expect(stringsAt(body, "r")).toEqual({ k: "v" });
});

it("does not take what an object inherits for a field", () => {
  expect(stringAt(JSON.parse('{"__proto__":{"token":"x"}}'), "token")).toBeUndefined();
  expect(recordAt({}, "constructor")).toBeUndefined();
});

it("takes no number that is infinite or written otherwise", () => {
  for (const value of ["1e3", "0x10", "", " 5", "Infinity"]) expect(numberAt({ value }, "value")).toBeUndefined();
  expect(numberAt({ value: Number.NaN }, "value")).toBeUndefined();
});
