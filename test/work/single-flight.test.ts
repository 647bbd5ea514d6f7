import { expect, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { singleFlight } from "../../src/work/single-flight.ts";

test("runs once for all who ask for the same key while it runs, and apart for another key", async () => {
  const flight = singleFlight<string>();
  const gate = createGate();
  const begun: string[] = [];
  const work = (key: string) => async () => {
    begun.push(key);
    await gate.opened;
    return `of ${key}`;
  };
  const asks = ["a", "b", "a", "a", "b"].map((key) => flight(key, work(key)));
  gate.open();
  expect(await Promise.all(asks)).toEqual(["of a", "of b", "of a", "of a", "of b"]);
  expect(begun).toEqual(["a", "b"]);
});

test("runs again for who asks afterwards", async () => {
  const flight = singleFlight<number>();
  let runs = 0;
  const work = async () => ++runs;
  expect([await flight("a", work), await flight("a", work)]).toEqual([1, 2]);
});

test("fails for all who wait, and not for who asks afterwards", async () => {
  const flight = singleFlight<string>();
  const gate = createGate();
  const fail = async () => {
    await gate.opened;
    throw new Error("no");
  };
  const asks = [flight("a", fail), flight("a", fail)];
  gate.open();
  for (const ask of await Promise.allSettled(asks)) expect(ask).toMatchObject({ status: "rejected" });
  expect(await flight("a", async () => "yes")).toBe("yes");
});
