import { beforeEach, expect, test } from "vitest";
import { createClock, type TestClock } from "../../../rig/clock.ts";
import { createRefusedCallbacks, type RefusedCallbacks } from "../../../src/domain/connecting/refused-callbacks.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";

let clock: TestClock;
let noted: AuditEvent[];
let callbacks: RefusedCallbacks;
beforeEach(() => {
  clock = createClock();
  noted = [];
  callbacks = createRefusedCallbacks({ note: (event) => noted.push(event), now: clock.now });
});

function refuse(times: number, state = "s", detail = "state_already_used"): number {
  const row = (at: number): AuditEvent => ({
    ...{ kind: "install.failed", at: clock.now(), caller: "portal", method: "callback", owner: "acme" },
    ...{ address: `10.0.0.${at}`, requestId: `r${at}`, detail, count: 1 },
  });
  return Array.from({ length: times }, (_, at) => callbacks.hasOwnRow(state, row(at))).filter(Boolean).length;
}

test("300 replays of one state have three rows of their own and one that counts the rest", () => {
  expect(refuse(300)).toBe(3);
  callbacks.flush();
  expect(noted).toEqual([]);
  clock.advance(1_000);
  callbacks.flush();
  callbacks.flush();
  expect(noted).toHaveLength(1);
  expect(noted[0]).toMatchObject({ count: 297, caller: "portal", owner: "acme", detail: "state_already_used" });
  expect([noted[0]?.address, noted[0]?.requestId]).toEqual([undefined, undefined]);
});

test("a state that is tried every second for a day has few rows, and none of it is lost", () => {
  let own = 0;
  for (let second = 0; second < 86_400; second++) {
    own += refuse(1);
    clock.advance(1_000);
    callbacks.flush();
  }
  callbacks.flush(true);
  expect(own + noted.reduce((sum, { count }) => sum + count, 0)).toBe(86_400);
  expect(noted.length).toBeLessThan(35);
});

test("every state and every kind of refusal has rows of its own", () => {
  expect([refuse(5, "a"), refuse(5, "b"), refuse(5, "a", "state_other_browser")]).toEqual([3, 3, 3]);
});

test("counts are written when the process ends, and when other states push them out", () => {
  refuse(10, "first");
  for (let state = 0; state < 1_000; state++) refuse(1, `s${state}`);
  expect(noted.map(({ count }) => count)).toEqual([7]);
  refuse(5, "last");
  callbacks.flush(true);
  expect(noted.map(({ count }) => count)).toEqual([7, 2]);
});
