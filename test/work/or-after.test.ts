import { expect, test } from "vitest";
import { orAfter } from "../../src/work/or-after.ts";

const never = new Promise<string>(() => undefined);

test("gives what the work comes to, however it ends", async () => {
  expect(await orAfter(60_000, Promise.resolve("done"), () => "late")).toBe("done");
  await expect(orAfter(60_000, Promise.reject(new Error("broken")), () => "late")).rejects.toThrow("broken");
});

test("gives or throws what is late where the work takes too long", async () => {
  expect(await orAfter(1, never, () => "late")).toBe("late");
  const tooLate = () => {
    throw new Error("too late");
  };
  await expect(orAfter(1, never, tooLate)).rejects.toThrow("too late");
});

test("work that fails after its time is nobody's unhandled rejection", async () => {
  let fail: (error: Error) => void = () => undefined;
  const work = new Promise<string>((_, reject) => {
    fail = reject;
  });
  expect(await orAfter(1, work, () => "late")).toBe("late");
  fail(new Error("long after"));
  await new Promise(setImmediate);
});
