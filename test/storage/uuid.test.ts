import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createUuid, isUuid } from "../../src/storage/uuid.ts";

test("a UUIDv7 carries its time, version and variant, and random bits for the rest", () => {
  const at = new Date("2022-02-22T19:22:22.000Z");
  // The time of the example in RFC 9562, appendix A.6.
  const newId = createUuid(() => at, randomBytes);
  expect(newId()).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(Array.from({ length: 1_000 }, newId)).size).toBe(1_000);
  const all = createUuid(
    () => at,
    (bytes) => Buffer.alloc(bytes, 0xff),
  );
  expect(all()).toBe("017f22e2-79b0-77ff-bfff-ffffffffffff");
});

test.each([
  { clock: "goes on", times: (n: number) => n },
  { clock: "stands", times: () => 0 },
  { clock: "goes on now and then", times: (n: number) => Math.floor(n / 3_000) },
  { clock: "is set back nine seconds, again and again", times: (n: number) => (n % 2) * 9_000 },
])("later UUIDs sort after earlier ones while the clock $clock", ({ times }) => {
  let calls = 0;
  const start = Date.now();
  const newId = createUuid(() => new Date(start + times(calls++)), randomBytes);
  const ids = Array.from({ length: 10_000 }, newId);
  expect(ids.findIndex((id, n) => n > 0 && id <= (ids[n - 1] ?? ""))).toBe(-1);
});

test("UUIDs follow a clock that was far ahead", () => {
  const times = [Date.parse("2040-01-01"), Date.parse("2022-02-22T19:22:22.000Z")];
  const newId = createUuid(() => new Date(times.shift() ?? 0), randomBytes);
  newId();
  expect(newId()).toMatch(/^017f22e2-79b0-7/);
});

test.each(["", "nobody", "017f22e2-79b0-7fff-bfff-ffffffffffff ", "{017f22e2-79b0-7fff-bfff-ffffffffffff}"])(
  "%j is no id",
  (text) => {
    expect(isUuid(text)).toBe(false);
  },
);
