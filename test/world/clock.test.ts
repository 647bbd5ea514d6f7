import { expect, test } from "vitest";
import { createTestWorld } from "../../rig/world.ts";
import { createClock } from "../../src/world/clock.ts";

const noon = Date.parse("2026-11-25T12:00:00Z");

/** A machine with a clock and a count of time, and a database with a clock of its own. */
function createMachine() {
  const state = { machine: noon, count: 5_000, database: noon, wayMs: 0, backMs: 0 };
  const pass = (ms: number) => {
    state.machine += ms;
    state.count += ms;
    state.database += ms;
  };
  const clock = createClock(
    () => state.machine,
    () => state.count,
  );
  const { log, lines } = createTestWorld();
  const events = () => lines.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>);
  async function ask(): Promise<number> {
    pass(state.wayMs);
    const said = state.database;
    pass(state.backMs);
    return said;
  }
  return { state, pass, clock, events, ask, follow: () => clock.follow(ask, log), now: () => clock.now().getTime() };
}

test("before it follows anything it is this machine's, and goes on when that is set", () => {
  const { state, pass, now, clock } = createMachine();
  expect(now()).toBe(noon);
  state.machine += 7_200_000;
  pass(10);
  expect(now()).toBe(noon + 10);
  expect(clock.machineNow()).toEqual(new Date(noon + 7_200_010));
  expect(clock.read()).toBeUndefined();
});

test.each([-600_000, 7_200_000, 420 * 86_400_000])(
  "a machine %i ms ahead has the database's time, and says so",
  async (ms) => {
    const { state, now, follow, clock, events } = createMachine();
    state.machine += ms;
    await follow();
    expect(now()).toBe(noon);
    expect(clock.read()).toEqual({ skewMs: ms, skewed: true });
    expect(events()).toMatchObject([{ level: "warn", event: "clock.skewed", skewMs: ms }]);
    await clock.measure();
    expect(events(), "told once").toEqual([]);
    state.machine = noon;
    await clock.measure();
    expect(events()).toMatchObject([{ event: "clock.stepped" }, { level: "info", event: "clock.agrees" }]);
  },
);

test("a round trip is halved, and later ones that fit what is known move nothing", async () => {
  const { state, now, follow, clock } = createMachine();
  Object.assign(state, { wayMs: 40, backMs: 40 });
  await follow();
  expect(now()).toBe(state.database);
  Object.assign(state, { wayMs: 3_000, backMs: 0 });
  await clock.measure();
  expect(now(), "an answer that was long on its way proves little").toBe(state.database);
  Object.assign(state, { wayMs: 0, backMs: 3_000 });
  await clock.measure();
  expect(now()).toBe(state.database);
});

test("the machine's clock is set: noticed at once, and without effect", async () => {
  const { state, now, pass, follow, clock, events } = createMachine();
  await follow();
  expect(clock.isSteady()).toBe(true);
  state.machine += 7_200_000;
  expect(clock.isSteady()).toBe(false);
  pass(100);
  expect(now()).toBe(noon + 100);
  await clock.measure();
  expect([clock.isSteady(), now()]).toEqual([true, noon + 100]);
  expect(events()).toMatchObject([
    { level: "warn", event: "clock.stepped", movedMs: 0, machineSteppedMs: 7_200_000 },
    { event: "clock.skewed" },
  ]);
});

test("the machine stood still: noticed at once, and right again after one question", async () => {
  const { state, now, follow, clock, events } = createMachine();
  await follow();
  state.database += 3_600_000;
  state.machine += 3_600_000;
  expect(clock.isSteady()).toBe(false);
  await clock.measure();
  expect([clock.isSteady(), now()]).toEqual([true, noon + 3_600_000]);
  expect(events()).toMatchObject([{ event: "clock.stepped", movedMs: 3_600_000, machineSteppedMs: 3_600_000 }]);
});

test("the database's clock is set: followed, and told", async () => {
  const { state, now, follow, clock, events } = createMachine();
  await follow();
  state.database -= 600_000;
  await clock.measure();
  expect(now()).toBe(noon - 600_000);
  expect(events()).toMatchObject([
    {
      event: "clock.stepped",
      movedMs: -600_000,
      machineSteppedMs: 0,
      advice: expect.stringContaining("database's clock"),
    },
    { event: "clock.skewed", skewMs: 600_000 },
  ]);
});

test("questions at the same time are one, and one that fails changes nothing", async () => {
  const { state, clock, now, follow } = createMachine();
  await follow();
  let asked = 0;
  const { log } = createTestWorld();
  await clock.follow(async () => {
    asked += 1;
    return state.database;
  }, log);
  await Promise.all([clock.measure(), clock.measure(), clock.measure()]);
  expect(asked).toBe(2);
  const away = async () => {
    throw new Error("away");
  };
  await expect(clock.follow(away, log)).rejects.toThrow("away");
  await expect(clock.measure()).rejects.toThrow("away");
  expect(now()).toBe(noon);
});
