import { expect, onTestFinished, test, vi } from "vitest";
import { withoutExperimentalWarning } from "../../../src/storage/embedded/sqlite.ts";

test("what a load says of an experiment is not passed on, and everything else is, then and later", () => {
  const written = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  onTestFinished(() => written.mockRestore());
  const before = process.emitWarning;
  const loaded = withoutExperimentalWarning(() => {
    process.emitWarning("SQLite is an experimental feature and might change at any time", "ExperimentalWarning");
    process.emitWarning("something is deprecated", "DeprecationWarning");
    return "loaded";
  });
  expect(loaded).toBe("loaded");
  expect(written.mock.calls).toEqual([["something is deprecated", "DeprecationWarning"]]);
  expect(process.emitWarning).toBe(before);
});

test("a load that fails leaves warnings as they were", () => {
  const before = process.emitWarning;
  expect(() =>
    withoutExperimentalWarning(() => {
      throw new Error("no such module");
    }),
  ).toThrow("no such module");
  expect(process.emitWarning).toBe(before);
});
