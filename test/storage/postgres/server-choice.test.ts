import { describe, expect, test } from "vitest";
import { createServerChoice } from "../../../src/storage/postgres/server-choice.ts";

const [a, b] = ["a", "b"].map((host) => ({ host, port: 5432 })) as [
  { host: string; port: number },
  { host: string; port: number },
];

function choice() {
  let now = 0;
  const { next, worked, failed } = createServerChoice([a, b], () => now);
  const wait = (ms: number) => {
    now += ms;
  };
  return { next, worked, failed, wait };
}

describe("of several servers", () => {
  test("the first is tried first, and the one that worked from then on", () => {
    const { next, worked, failed, wait } = choice();
    expect(next()).toBe(a);
    failed(a, 5);
    expect(next()).toBe(b);
    worked(b);
    wait(60_000);
    expect(next()).toBe(b);
  });

  test("one that answers and refuses is soon tried again, one that does not answer after the others", () => {
    const { next, failed, wait } = choice();
    failed(a, 3_000);
    expect(next()).toBe(b);
    failed(b, 10);
    wait(251);
    expect(next(), "a standby that may be promoted by now").toBe(b);
    failed(b, 10);
    expect(next(), "the soonest of two that are left alone").toBe(b);
    wait(9_000);
    failed(b, 10);
    expect(next()).toBe(a);
  });

  test("one that worked is left when it fails, and found again", () => {
    const { next, worked, failed, wait } = choice();
    worked(a);
    failed(a, 1);
    expect(next()).toBe(b);
    failed(b, 1);
    wait(300);
    expect(next()).toBe(a);
  });
});
