import { expect, test } from "vitest";
import { createGate, until } from "../../rig/gate.ts";
import { createTestWorld } from "../../rig/world.ts";
import { every } from "../../src/work/every.ts";

/** Resolves when a job of the same interval would have run so often. */
async function intervals(count: number): Promise<void> {
  let runs = 0;
  const clock = every(1, "clock", async () => void runs++, createTestWorld().log);
  await until(() => runs >= count, `${count} intervals`);
  await clock.close();
}

test("runs a job once an interval, until it is closed", async () => {
  let runs = 0;
  const job = every(1, "count", async () => void runs++, createTestWorld().log);
  await until(() => runs >= 3, "three runs");
  await job.close();
  const ran = runs;
  await intervals(10);
  expect(runs).toBe(ran);
});

test("does not run at once", async () => {
  let runs = 0;
  const job = every(3_600_000, "hourly", async () => void runs++, createTestWorld().log);
  await intervals(10);
  await job.close();
  expect(runs).toBe(0);
});

test("never runs a job twice at once, and a close waits for the one that runs", async () => {
  const gate = createGate();
  let [runs, done] = [0, false];
  const job = every(
    1,
    "slow",
    async () => {
      runs++;
      await gate.opened;
      done = true;
    },
    createTestWorld().log,
  );
  await until(() => runs === 1, "it runs");
  await intervals(10);
  expect(runs).toBe(1);
  const closed = job.close().then(() => done);
  gate.open();
  expect(await closed).toBe(true);
  expect(runs).toBe(1);
});

test("logs a failure by the job's name and the error's, and tries again", async () => {
  const world = createTestWorld();
  let runs = 0;
  const job = every(
    1,
    "finish revocations",
    async () => {
      runs++;
      throw new TypeError("with a value that must not be logged");
    },
    world.log,
  );
  await until(() => runs >= 2, "it is tried again");
  await job.close();
  const [first] = world.lines;
  expect(JSON.parse(first ?? "")).toEqual({
    level: "warn",
    event: "job.failed",
    job: "finish revocations",
    error: "TypeError",
  });
});
