import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDocument, stringify } from "yaml";
import { expectOnlyKnownKeys } from "../../rig/known-keys.ts";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { FileRefused } from "../../src/callers/file-problems.ts";
import { callerOf, fileOf, parse, today } from "../callers/support/caller-files.ts";
import { openAuthenticator } from "../callers/support/open-authenticator.ts";
import { within } from "./support/fuzzed-service.ts";
import { headerText, text } from "./support/messages.ts";
import { mutated } from "./support/mutations.ts";

const example = await readFile(new URL("../../rig/callers/callers.yaml", import.meta.url));

/** Refused in the parser's own words, or understood to the last key. */
function read(bytes: Uint8Array): void {
  try {
    parse(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(FileRefused);
    const { problems, message } = error as FileRefused;
    expect(problems.length).toBeGreaterThan(0);
    expect(message).not.toMatch(/node_modules|node:internal|\.ts:\d/);
    return;
  }
  expectOnlyKnownKeys(Buffer.from(bytes).toString());
}

test("the caller file of any bytes, and a good one that was damaged", () => {
  const any = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  fc.assert(fc.property(fc.oneof(any, mutated(fc.constant(example))), read), within(5));
});

test("a caller file of any values under the known names", () => {
  const names = fc.constantFrom(
    "version",
    "issuers",
    "callers",
    "name",
    "match",
    "allow",
    "methods",
    "platforms",
    "owners",
    "all_owners",
    "permissions",
    "rate",
    "per_second",
    "burst",
    "api_key",
    "expires",
    "mtls_san",
    "issuer",
    "subject",
    "return_origins",
    "complete_in_callback",
    "__proto__",
    "constructor",
    "<<",
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.oneof(text(), fc.integer(), fc.boolean(), fc.constantFrom(null, 1, "GetToken", "github", "acme")),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.array(fc.tuple(names, tie("tree")), { maxLength: 4 }).map((entries) => new Map(entries)),
    ),
  }));
  const good: ReadonlyMap<string, unknown> = parseDocument(example.toString()).toJS({ mapAsMap: true });
  const file = fc.oneof(
    fc.tuple(tree, tree).map(
      ([issuers, callers]) =>
        new Map<string, unknown>([
          ["version", 1],
          ["issuers", issuers],
          ["callers", callers],
        ]),
    ),
    fc.tuple(names, tree).map(([name, value]) => new Map<string, unknown>([...good, [name, value]])),
  );
  fc.assert(
    fc.property(file, (value) => read(Buffer.from(stringify(value)))),
    within(5),
  );
});

test("deep nesting, long lines and many aliases", () => {
  const files = fc.oneof(
    fc.nat({ max: 20_000 }).map((depth) => "[".repeat(depth)),
    fc.nat({ max: 3_000 }).map((depth) => `callers: ${"{a: ".repeat(depth)}1${"}".repeat(depth)}`),
    fc.nat({ max: 2_000 }).map((depth) => Array.from({ length: depth }, (_, n) => `${" ".repeat(n)}a:`).join("\n")),
    fc
      .nat({ max: 30 })
      .map((count) => Array.from({ length: count }, (_, n) => `a${n}: &a${n} [*a${n - 1}, *a${n - 1}]`).join("\n")),
    fc.nat({ max: 100_000 }).map((length) => `version: ${"9".repeat(length)}`),
  );
  fc.assert(
    fc.property(files, (file) => read(Buffer.from(file))),
    within(3),
  );
});

test("no authorization but the right one proves a caller", async () => {
  const { key } = createApiKey(randomBytes);
  const right = `Bearer ${key.reveal()}`;
  const hash = hashOfApiKey(key.reveal()).toString("hex");
  const opened = openAuthenticator(fileOf([callerOf("ci", `api_key: "sha256:${hash}"`)]), () => today);
  expect((await opened.who(right)).name).toBe("ci");
  const jwtLike = fc
    .tuple(fc.json(), fc.json(), fc.base64String())
    .map((parts) => `Bearer ${parts.map((part) => Buffer.from(part).toString("base64url")).join(".")}`);
  const near = mutated(fc.constant(Buffer.from(right))).map((bytes) => bytes.toString("latin1"));
  const values = fc.oneof(
    near,
    jwtLike,
    headerText,
    text().map((value) => `Bearer ${value}`),
    fc.constantFrom("", "Bearer", "Bearer ots_", `${right},${right}`, `Basic ${right}`),
  );
  await fc.assert(
    fc.asyncProperty(values, async (value) => {
      // The scheme is read in any case, with any number of blanks.
      fc.pre(value.replace(/^bearer +/i, "Bearer ") !== right);
      const refusal = await opened.refusal(value);
      expect(JSON.parse(refusal).reason).toBe("CALLER_UNAUTHENTICATED");
      expect(refusal).not.toContain(key.reveal().slice(4, 20));
    }),
    within(3),
  );
});
