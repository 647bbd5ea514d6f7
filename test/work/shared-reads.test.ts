import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { sharedReads } from "../../src/work/shared-reads.ts";

afterEach(() => void vi.useRealTimers());

/** Reads that wait until they are let go on, in the order in which they began. */
function gatedReads() {
  const begun: { readonly keys: readonly string[]; readonly gate: ReturnType<typeof createGate> }[] = [];
  const ask = sharedReads(async (keys: readonly string[]) => {
    const gate = createGate();
    begun.push({ keys, gate });
    await gate.opened;
    return new Map(keys.filter((key) => key !== "nobody").map((key) => [key, `of ${key}`]));
  });
  return { ask, begun, keys: () => begun.map((read) => read.keys) };
}

/** Asks for each key in a turn of its own. */
async function inTurns<Value>(
  ask: (key: string) => Promise<Value>,
  keys: readonly string[],
): Promise<Promise<Value>[]> {
  const asked: Promise<Value>[] = [];
  for (const key of keys) {
    asked.push(ask(key));
    await turn();
  }
  return asked;
}

test("who asks in one turn shares a read, each key once", async () => {
  const { ask, begun, keys } = gatedReads();
  const asked = ["a", "b", "a"].map(ask);
  expect(keys()).toEqual([]);
  await turn();
  expect(keys()).toEqual([["a", "b"]]);
  begun[0]?.gate.open();
  expect(await Promise.all(asked)).toEqual(["of a", "of b", "of a"]);
});

test("while enough are under way who asks shares the next one, each key once", async () => {
  const { ask, begun, keys } = gatedReads();
  const asked = await inTurns(ask, ["a", "b", "c", "d", "c"]);
  expect(keys()).toEqual([["a"], ["b"]]);

  begun[1]?.gate.open();
  expect(await asked[1]).toBe("of b");
  expect(keys()).toEqual([["a"], ["b"], ["c", "d"]]);
  for (const { gate } of begun) gate.open();
  expect(await Promise.all(asked)).toEqual(["of a", "of b", "of c", "of d", "of c"]);
});

test("gives nothing for a key that the read has no value for", async () => {
  const { ask, begun } = gatedReads();
  const [asked] = await inTurns(ask, ["nobody"]);
  begun[0]?.gate.open();
  expect(await asked).toBeUndefined();
});

test("never takes the answer of a read that began before it was asked", async () => {
  const { ask, begun, keys } = gatedReads();
  const asked = await inTurns(ask, ["a", "b", "a"]);
  for (const { gate } of begun) gate.open();
  await Promise.all(asked.slice(0, 2));
  expect(keys()).toEqual([["a"], ["b"], ["a"]]);
  begun[2]?.gate.open();
  expect(await asked[2]).toBe("of a");
});

test("does not wait for reads that hang", async () => {
  vi.useFakeTimers();
  const { ask, keys } = gatedReads();
  await inTurns(ask, ["a", "b", "c"]);
  expect(keys()).toHaveLength(2);
  vi.advanceTimersToNextTimer();
  expect(keys()).toEqual([["a"], ["b"], ["c"]]);
});

test("tells all who share a read of its failure, and nobody else", async () => {
  let fail = true;
  const gate = createGate();
  const ask = sharedReads(async (keys: readonly string[]) => {
    await gate.opened;
    if (fail && keys.includes("c")) throw new Error("no");
    return new Map(keys.map((key) => [key, key]));
  });
  const asked = await inTurns(ask, ["a", "b", "c", "d"]);
  gate.open();
  const statuses = (await Promise.allSettled(asked)).map(({ status }) => status);
  expect(statuses).toEqual(["fulfilled", "fulfilled", "rejected", "rejected"]);
  fail = false;
  expect(await ask("c")).toBe("c");
});
