import fc from "fast-check";
import { text } from "./messages.ts";

/** A value as a query or a path may spell it. */
export function encoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}

const spelled: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: text().map((value) => encoded(value.slice(0, 500))) },
  {
    weight: 2,
    arbitrary: fc.string({ unit: fc.constantFrom(..."azAZ09-._~!$&'()*+,;=:@%[]|^`{}\"\\"), maxLength: 30 }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "%",
      "%2",
      "%zz",
      "%ff",
      "%c0%af",
      "%ed%a0%80",
      "%00",
      "%0d%0aX-Evil:%201",
      "%2e%2e",
      "%252e",
      "+",
      "%u0041",
    ),
  },
);

/** One part of a path. */
export const segment: fc.Arbitrary<string> = spelled.map((part) => part.replaceAll(/[?#]/g, ""));

/** A query of these parameters and others: repeated, as arrays, without values, badly encoded. */
export function query(names: readonly string[]): fc.Arbitrary<string> {
  const name = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: spelled });
  const decorated = fc.oneof(
    { weight: 8, arbitrary: name },
    { weight: 1, arbitrary: name.map((plain) => `${plain}[]`) },
    { weight: 1, arbitrary: name.map((plain) => `${plain}[__proto__]`) },
    { weight: 1, arbitrary: name.map((plain) => `${plain}.x`) },
  );
  const pair = fc
    .tuple(decorated, fc.option(spelled))
    .map(([key, value]) => (value === null ? key : `${key}=${value}`));
  const joined = fc.constantFrom("&", "&", "&", "&&", ";");
  return fc
    .tuple(fc.array(pair, { maxLength: 5 }), joined)
    .map(([pairs, separator]) => pairs.join(separator).replaceAll("#", ""));
}
