import { describe, expect, test } from "vitest";
import { highest, isWithin, lowest } from "../../src/domain/access/permission-ceiling.ts";

describe("within a ceiling", () => {
  test.each([
    [{}, {}],
    [{}, { contents: "read" }],
    [{ contents: "read" }, { contents: "read" }],
    [{ contents: "read" }, { contents: "write" }],
    [{ contents: "write" }, { contents: "admin" }],
    [
      { contents: "read", issues: "write" },
      { contents: "write", issues: "write", checks: "read" },
    ],
  ])("%j is within %j", (asked, ceiling) => {
    expect(isWithin(asked, ceiling)).toBe(true);
  });

  test.each([
    [{ contents: "read" }, {}],
    [{ contents: "write" }, { contents: "read" }],
    [{ contents: "admin" }, { contents: "write" }],
    [{ issues: "read" }, { contents: "admin" }],
    [{ contents: "read", issues: "read" }, { contents: "read" }],
    // Names that every object has are no permissions.
    [{ constructor: "read" }, { contents: "read" }],
    [{ to_string: "read" }, {}],
    // A level nobody knows is higher than all, and includes nothing else.
    [{ contents: "owner" }, { contents: "admin" }],
    [{ contents: "read" }, { contents: "owner" }],
    [{ contents: "" }, { contents: "read" }],
    [{ contents: "READ" }, { contents: "read" }],
  ])("%j is not within %j", (asked, ceiling) => {
    expect(isWithin(asked as Record<string, string>, ceiling)).toBe(false);
  });
});

test("several ceilings together allow the higher level of each permission", () => {
  expect(highest({ contents: "read", issues: "admin" }, { contents: "write", issues: "read", checks: "read" })).toEqual(
    {
      contents: "write",
      issues: "admin",
      checks: "read",
    },
  );
  expect(highest({}, {})).toEqual({});
});

test.each([
  [{ contents: "write", metadata: "read" }, { contents: "read" }, { contents: "read" }],
  [{ contents: "read" }, { contents: "write" }, { contents: "read" }],
  [{ contents: "read" }, { contents: "read" }, { contents: "read" }],
  [{ contents: "write" }, { issues: "read" }, {}],
  [{}, { contents: "read" }, {}],
  [{ contents: "read", issues: "write" }, { issues: "admin", checks: "read" }, { issues: "write" }],
])("of granted %j a ceiling of %j leaves %j", (granted, ceiling, left) => {
  expect(lowest(granted as Record<string, string>, ceiling as Record<string, string>)).toEqual(left);
});
