import { create, type DescField, type DescMessage, type Message, ScalarType, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";

/** Stands for the id of a live installation, which is known only when a test runs. As long as one. */
export const placeholder = "11111111-1111-4111-8111-111111111111";

const known = [
  ...["github", "github-oauth", "jira", "confluence", "slack", "sentry", "acme", "T0ACME001", "read", "contents"],
  ...["https://portal.example/done", "hello-world", "0192f0c1-5a4b-7c3d-8e2f-1a2b3c4d5e6f", "ots_x", "GetToken"],
  ...[placeholder, placeholder, placeholder],
];

/** Messages of a type, every field of it filled at times, with what is usual and with what is odd. */
export function messageOf(desc: DescMessage, depth = 0): fc.Arbitrary<Message> {
  const fields = desc.fields.filter((field) => depth < 3 || field.message === undefined);
  const values = Object.fromEntries(fields.map((field) => [field.localName, fieldValue(field, depth)]));
  return fc.record(values, { requiredKeys: [] }).map((init) => create(desc, withoutOneofs(desc, init)));
}

export function bytesOf(desc: DescMessage): fc.Arbitrary<Buffer> {
  return messageOf(desc).map((message) => Buffer.from(toBinary(desc, message)));
}

function withoutOneofs(desc: DescMessage, init: Record<string, unknown>): Record<string, unknown> {
  const kept = { ...init };
  for (const oneof of desc.oneofs) {
    const chosen = oneof.fields.find((field) => kept[field.localName] !== undefined);
    if (chosen !== undefined) kept[oneof.localName] = { case: chosen.localName, value: kept[chosen.localName] };
    for (const field of oneof.fields) delete kept[field.localName];
  }
  return kept;
}

function fieldValue(field: DescField, depth: number): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case "scalar":
      return scalarOf(field.scalar);
    case "enum":
      return fc.oneof(fc.constantFrom(...field.enum.values.map(({ number }) => number)), fc.constantFrom(-1, 99));
    case "message":
      return messageOf(field.message, depth + 1);
    case "list":
      if (field.listKind === "message") return fc.array(messageOf(field.message, depth + 1), { maxLength: 3 });
      return fc.array(field.listKind === "enum" ? fc.constantFrom(0, 1, 99) : scalarOf(field.scalar), {
        maxLength: 6,
      });
    case "map":
      return fc.dictionary(text(), text(), { maxKeys: 4 });
  }
}

function scalarOf(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return text();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 20 });
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return fc.float();
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return fc.oneof(
        fc.bigInt({ min: 0n, max: 1n << 62n }),
        fc.constantFrom(0n, 1n, 253_402_300_799n, 9_223_372_036_854_775_807n),
      );
    default:
      return fc.oneof(fc.nat(), fc.constantFrom(0, 1, 500, 2_147_483_647));
  }
}

const control = String.fromCharCode(0, 7, 13, 10, 0x1b);

/** Text that is known to mean something, any text at all, and text that has broken things elsewhere. */
export function text(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("", ...known) },
    { weight: 3, arbitrary: fc.string({ unit: "grapheme", maxLength: 40 }) },
    { weight: 2, arbitrary: fc.constantFrom(...oddTexts) },
  );
}

export const oddTexts: readonly string[] = [
  ...[control, "\0", "a\0b", "'; drop table installations; --", "' or '1'='1", "%00", "%", "{}", "[]", "null", "*"],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "prototype",
    "..",
    "../../etc/passwd",
    "a/b",
    "\\",
    '"',
  ],
  ...[
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "//evil.example",
    "\u0024{jndi:ldap://x}",
    "{{7*7}}",
    "\u202e",
    "𝕏",
  ],
  ...[
    "x".repeat(300),
    "é".repeat(2_000),
    "9".repeat(400),
    "-1",
    "1e309",
    "NaN",
    "0x10",
    "00000000-0000-0000-0000-000000000000",
  ],
];

/** What node lets a client send as a header's value. */
export const headerText: fc.Arbitrary<string> = fc.oneof(
  fc
    .string({ unit: fc.constantFrom(...'azAZ09 !~;=,:"\\%/\t\u0080\u00ff'), maxLength: 40 })
    .map((value) => value.trim()),
  fc.constantFrom("__proto__", "constructor", "null", "*", ";;;", ",,,", "q=0", "x".repeat(2_000)),
);
