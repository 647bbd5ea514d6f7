import { expect, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { createClosers } from "../../src/closers.ts";

test("closes in reverse order, one after the other", async () => {
  const closers = createClosers();
  const gate = createGate();
  const closed: string[] = [];
  closers.add("first", () => void closed.push("first"));
  closers.add("second", async () => {
    await gate.opened;
    closed.push("second");
  });
  closers.add("third", () => void closed.push("third"));
  const closing = closers.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toEqual(["third"]);
  gate.open();
  await closing;
  expect(closed).toEqual(["third", "second", "first"]);
});

test("goes on past failures and then throws the first one by name", async () => {
  const closers = createClosers();
  const closed: string[] = [];
  closers.add("database", () => void closed.push("database"));
  closers.add("refreshes", () => {
    throw new Error("later");
  });
  closers.add("listener", async () => {
    throw new Error("first");
  });
  const error = await closers.close().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ message: "closing listener failed", cause: { message: "first" } });
  expect(closed).toEqual(["database"]);
});

test("closes once, whoever asks and whenever", async () => {
  const closers = createClosers();
  let times = 0;
  closers.add("one", async () => void times++);
  await Promise.all([closers.close(), closers.close()]);
  await closers.close();
  expect(times).toBe(1);
});

test("lets whoever asks second wait for the end, and hear of the failure", async () => {
  const closers = createClosers();
  const gate = createGate();
  closers.add("slow", async () => {
    await gate.opened;
    throw new Error("no");
  });
  const [first, second] = [closers.close(), closers.close()];
  gate.open();
  await expect(first).rejects.toThrow("closing slow failed");
  await expect(second).rejects.toThrow("closing slow failed");
});
