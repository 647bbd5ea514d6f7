import { expect, it } from "vitest";
import {
  arrayAt,
  asRecord,
  booleanAt,
  idAt,
  nameAt,
  numberAt,
  recordAt,
  stringAt,
  stringsAt,
  textsAt,
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

/** What a platform may send for a text, and what is left of it as a text, a name and an id. */
const odd: readonly (readonly [string, string | undefined, string | undefined, string | undefined])[] = [
  ["Ac\0me", "Acme", "Ac me", undefined],
  ["Ac\ud800me", "Acme", "Ac me", undefined],
  ["\udc00Acme", "Acme", "Acme", undefined],
  ["\u202eemcA\u2069", "emcA", "emcA", undefined],
  ["Acme\r\n\u001b[31m Corp", "Acme[31m Corp", "Acme [31m Corp", undefined],
  ["\ufeffAcme\u200b", "Acme", "Acme", undefined],
  ["\u0007\0\u202e", undefined, undefined, undefined],
  ["", undefined, undefined, undefined],
  ["   ", "   ", undefined, "   "],
  ["Zo\u00eb \ud83d\ude80", "Zo\u00eb \ud83d\ude80", "Zo\u00eb \ud83d\ude80", "Zo\u00eb \ud83d\ude80"],
  ["\u0646\u200c\u0645", "\u0646\u200c\u0645", "\u0646\u200c\u0645", "\u0646\u200c\u0645"],
  ["x".repeat(10_000), "x".repeat(10_000), `${"x".repeat(200)}\u2026`, undefined],
  ["\ud83d\ude80".repeat(300), "\ud83d\ude80".repeat(300), `${"\ud83d\ude80".repeat(200)}\u2026`, undefined],
  ["x".repeat(20_000), undefined, `${"x".repeat(200)}\u2026`, undefined],
];

it.each(odd)("takes %j for what a database can keep and a person can see", (sent, asText, asName, asId) => {
  const body: unknown = JSON.parse(JSON.stringify({ sent }));
  expect([stringAt(body, "sent"), nameAt(body, "sent"), idAt(body, "sent")]).toEqual([asText, asName, asId]);
});

it("takes of lists and maps what can be kept", () => {
  const body: unknown = {
    list: ["read\0:me", 5, "", "write:me"],
    map: { "a\0b": "read", contents: "re\u202ead", n: 1 },
  };
  expect(textsAt(body, "list")).toEqual(["read:me", "write:me"]);
  expect(stringsAt(body, "map")).toEqual({ contents: "read" });
});
