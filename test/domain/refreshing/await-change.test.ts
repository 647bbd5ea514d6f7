import { expect, test } from "vitest";
import type { Change, ChangeFeed } from "../../../src/domain/model/change-feed.ts";
import { createAwaitChange } from "../../../src/domain/refreshing/await-change.ts";

function feed() {
  const listeners: ((change: Change) => void)[] = [];
  const changes: ChangeFeed = {
    isAlive: () => true,
    subscribe(listener) {
      listeners.push(listener);
      return () => undefined;
    },
  };
  const announce = (change: Change) => {
    for (const listener of listeners) listener(change);
  };
  return { changes, announce };
}

const never = 20_000;

test("wakes all who wait for the credential that changed, and nobody else", async () => {
  const { changes, announce } = feed();
  const awaitChange = createAwaitChange(changes);
  const woken: string[] = [];
  const wait = (id: string, name: string) => awaitChange(id, never).then(() => void woken.push(name));
  const mine = [wait("a", "first"), wait("a", "second")];
  const other = wait("b", "other");
  announce({ kind: "installation", id: "a", platform: undefined });
  announce({ kind: "credential", id: "a" });
  await Promise.all(mine);
  expect(woken).toEqual(["first", "second"]);
  announce({ kind: "everything" });
  await other;
  expect(woken).toEqual(["first", "second", "other"]);
});

test("whoever waits again after a change waits for the next one", async () => {
  const { changes, announce } = feed();
  const awaitChange = createAwaitChange(changes);
  const first = awaitChange("a", never);
  announce({ kind: "credential", id: "a" });
  await first;
  let woken = false;
  const second = awaitChange("a", never).then(() => {
    woken = true;
  });
  await new Promise(setImmediate);
  expect(woken).toBe(false);
  announce({ kind: "credential", id: "a" });
  await second;
});

test("waits no longer than it is told, with a feed or without", async () => {
  await createAwaitChange(feed().changes)("a", 1);
  await createAwaitChange(undefined)("a", 1);
});
