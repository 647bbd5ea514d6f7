import { describe, expect, test } from "vitest";
import { withCompletionCode } from "../../../src/domain/connecting/return-to.ts";

describe("the completion code", () => {
  test.each([
    ["https://portal.example/done", "https://portal.example/done?completion_code=abc"],
    ["https://portal.example", "https://portal.example/?completion_code=abc"],
    ["https://portal.example/?", "https://portal.example/?completion_code=abc"],
    ["https://portal.example/?a=b%20c&d=%2B+", "https://portal.example/?a=b%20c&d=%2B+&completion_code=abc"],
    ["https://portal.example/x?q#part", "https://portal.example/x?q&completion_code=abc#part"],
    [
      "https://portal.example/?u=https://evil.example/?",
      "https://portal.example/?u=https://evil.example/?&completion_code=abc",
    ],
  ])("is added to %s, which stays as it is", (returnTo, expected) => {
    expect(withCompletionCode(returnTo, "abc")).toBe(expected);
  });
});
