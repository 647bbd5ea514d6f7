import { describe, expect, test } from "vitest";
import { type Attempt, createServerChoice } from "../../../src/storage/postgres/server-choice.ts";

const a = { host: "a", port: 5432 };
const b = { host: "b", port: 5432 };

/** A choice whose time passes when the test says so. */
function choose(servers = [a, b]) {
  let now = 0;
  let waiting: { readonly until: number; readonly end: () => void }[] = [];
  const wait = (ms: number) => new Promise<void>((end) => void waiting.push({ until: now + ms, end }));
  const choice = createServerChoice(servers, { nowMs: () => now, wait });
  return {
    doubt: choice.doubt,
    begin: () => track(choice.begin()),
    async pass(ms: number) {
      now += ms;
      for (const { until, end } of waiting) if (until <= now) end();
      waiting = waiting.filter(({ until }) => until > now);
      await turns();
    },
  };
}

/** Where a begun connection leads by now. */
async function track(begun: Promise<Attempt>) {
  const seen: { attempt?: Attempt; server?: typeof a; error?: unknown } = {};
  begun.then(
    (attempt) => Object.assign(seen, { attempt, server: attempt.server }),
    (error) => Object.assign(seen, { error }),
  );
  await turns();
  return seen;
}

const turns = () => new Promise((resolve) => setImmediate(resolve));

describe("of several servers", () => {
  test("the one that worked is taken by all from then on, also by those that wait", async () => {
    const { begin } = choose();
    const [first, second, waits] = [await begin(), await begin(), await begin()];
    expect([first.server, second.server, waits.server]).toEqual([a, b, undefined]);
    second.attempt?.worked();
    await turns();
    expect(waits.server).toBe(b);
    first.attempt?.failed(new Error("refused"));
    expect((await begin()).server).toBe(b);
    expect((await begin()).server).toBe(b);
  });

  test("each is tried by one connection at a time, again after a rest, whatever the other takes", async () => {
    const { begin, pass } = choose();
    const [silent, refused] = [await begin(), await begin()];
    refused.attempt?.failed(new Error("it only reads"));
    const next = await begin();
    expect(next.server, "it rests, and the other one is still being tried").toBeUndefined();
    await pass(249);
    expect(next.server).toBeUndefined();
    await pass(1);
    expect(next.server, "a standby that may be promoted by now").toBe(b);
    next.attempt?.worked();
    silent.attempt?.failed(new Error("no answer"));
    expect((await begin()).server, "what came of another says nothing of this one").toBe(b);
  });

  test("who waits is told of the failure once every one has failed since, and not before", async () => {
    const { begin, pass } = choose();
    const [first, second] = [await begin(), await begin()];
    first.attempt?.failed(new Error("before anybody waited"));
    const waits = await begin();
    second.attempt?.failed(new Error("refused"));
    await turns();
    expect(waits.error, "the first one has not failed since").toBeUndefined();
    await pass(250);
    expect(waits.server).toBe(a);
    const later = await begin();
    expect(later.server).toBe(b);
    const last = await begin();
    waits.attempt?.failed(new Error("one"));
    later.attempt?.failed(new Error("the other"));
    await turns();
    expect(last.error).toEqual(new Error("the other"));
  });

  test("one that worked is left when a connection fails, or its sessions bring nothing, and found again", async () => {
    const { begin, pass, doubt } = choose();
    (await begin()).attempt?.worked();
    (await begin()).attempt?.failed(new Error("refused"));
    const other = await begin();
    expect(other.server).toBe(b);
    other.attempt?.worked();
    await pass(250);
    doubt(b);
    await pass(250);
    expect([(await begin()).server, (await begin()).server, (await begin()).server]).toEqual([a, b, undefined]);
  });

  test("one whose sessions bring nothing is asked again after the other, though it lets everybody in", async () => {
    const { begin, pass, doubt } = choose();
    const [former] = [await begin()];
    former.attempt?.worked();
    doubt(a);
    const [promoted, waits] = [await begin(), await begin()];
    expect([promoted.server, waits.server], "nobody is in before it").toEqual([b, undefined]);
    promoted.attempt?.worked();
    await turns();
    expect(waits.server).toBe(b);
    doubt(a);
    await pass(250);
    expect((await begin()).server, "who doubts the former one says nothing of the one found since").toBe(b);
  });

  test("one that is doubted is taken again where the other takes no writes", async () => {
    const { begin, pass, doubt } = choose();
    (await begin()).attempt?.worked();
    doubt(a);
    (await begin()).attempt?.failed(new Error("it only reads"));
    const waits = await begin();
    await pass(250);
    expect([waits.server, waits.error]).toEqual([a, undefined]);
  });

  test("a login that was begun before another one was found, and ends after it, changes nothing", async () => {
    const { begin } = choose();
    const [frozen, found] = [await begin(), await begin()];
    found.attempt?.worked();
    frozen.attempt?.worked();
    expect((await begin()).server, "a former primary that thaws").toBe(b);
  });

  test("a connection that was given up for no fault of the server counts for nothing", async () => {
    const { begin } = choose();
    (await begin()).attempt?.worked();
    const dropped = await begin();
    dropped.attempt?.dropped();
    dropped.attempt?.failed(new Error("too late"));
    expect((await begin()).server).toBe(a);
  });
});

test("of one server nothing is waited for", async () => {
  const { begin, doubt } = choose([a]);
  const [first, second] = [await begin(), await begin()];
  expect([first.server, second.server]).toEqual([a, a]);
  first.attempt?.failed(new Error("refused"));
  doubt(a);
  expect((await begin()).server).toBe(a);
});
