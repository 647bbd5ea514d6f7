import { expect, test } from "vitest";
import { describeError } from "../src/described-error.ts";

test("an error is described by names, codes and places, never by what its messages say", () => {
  const cause = Object.assign(new TypeError("canary-inner\n    at canary.ts:1:1"), { code: "ECONNRESET" });
  const error = new Error("canary-outer\n    at canary (canary.ts:2:2)", { cause });
  const described = describeError(error);
  expect(described).toMatchObject({ name: "Error", cause: { name: "TypeError", code: "ECONNRESET" } });
  expect(described.stack?.[0]).toContain("described-error.test.ts");
  expect(JSON.stringify(described)).not.toContain("canary");
});

test("a code that is no word is left out, and so is everything of what is no error", () => {
  expect(describeError(Object.assign(new Error("x"), { code: "canary code" })).code).toBeUndefined();
  expect(describeError("canary")).toEqual({ name: "string" });
});

test("causes that lead in a circle come to an end", () => {
  const error: Error & { cause?: unknown } = new Error("x");
  error.cause = error;
  expect(JSON.stringify(describeError(error)).match(/"name"/g)).toHaveLength(5);
});
