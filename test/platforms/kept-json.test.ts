import { describe, expect, test } from "vitest";
import { createKeptJson, type KeptFields } from "../../src/platforms/kept-json.ts";

function keep(text: string, kept: KeptFields, pieces = 1, limit = 1_000_000): unknown {
  const bytes = Buffer.from(text);
  const reader = createKeptJson(kept, limit);
  const length = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length; at += length) {
    if (!reader.push(bytes.subarray(at, at + length))) return "too much";
  }
  try {
    return JSON.parse(reader.text());
  } catch {
    return "no JSON";
  }
}

const answer = {
  token: 'ghs_"quoted\\"',
  'na"me': { b: [1, { c: "}]" }] },
  nothing: null,
  yes: true,
  number: -1.5e3,
  repositories: [
    { id: 1, name: "wéb", owner: { login: "a", id: 9 }, topics: ["{", "\\"] },
    { topics: [], id: 2, name: "\u{1f600}", owner: null },
  ],
  empty: {},
  none: [],
};

describe.each([1, 2, 7, 10_000])("read in %i pieces", (pieces) => {
  test.each([JSON.stringify(answer), JSON.stringify(answer, null, 2), ` ${JSON.stringify(answer)}\n`])(
    "keeps the fields that are named, of every element of an array",
    (text) => {
      expect(keep(text, { token: true, repositories: { id: true, name: true, owner: { id: true } } }, pieces)).toEqual({
        token: answer.token,
        repositories: [
          { id: 1, name: "wéb", owner: { id: 9 } },
          { id: 2, name: "\u{1f600}", owner: null },
        ],
      });
      expect(keep(text, { 'na"me': true, nothing: true, yes: true, number: true }, pieces)).toEqual({
        'na"me': answer['na"me'],
        nothing: null,
        yes: true,
        number: -1500,
      });
      expect(keep(text, { empty: { a: true }, none: { a: true }, absent: true }, pieces)).toEqual({
        empty: {},
        none: [],
      });
      expect(keep(text, true, pieces)).toEqual(answer);
    },
  );

  test("keeps an array at the top, and scalars", () => {
    expect(keep('[{"a":1,"b":2},{"b":3}]', { a: true }, pieces)).toEqual([{ a: 1 }, {}]);
    for (const scalar of ['"text"', "12", "null", "true"])
      expect(keep(scalar, { a: true }, pieces)).toEqual(JSON.parse(scalar));
  });

  test("fields of every object are no fields of this one", () => {
    expect(keep('{"constructor":1,"__proto__":2,"a":3}', { a: true }, pieces)).toEqual({ a: 3 });
  });

  test.each(["", '{"token":"a', '{"token":"a"', '{"other":[1,2', "[", '{"token"'])(
    "an answer that ends early is no JSON: %s",
    (text) => {
      expect(keep(text, { token: true }, pieces)).toBe("no JSON");
    },
  );
});

test("what is passed over does not count against the limit, and what is kept does", () => {
  const text = JSON.stringify({ big: "x".repeat(10_000), small: "y".repeat(100) });
  expect(keep(text, { small: true }, 20, 200)).toEqual({ small: "y".repeat(100) });
  expect(keep(text, { big: true }, 20, 200)).toBe("too much");
});
