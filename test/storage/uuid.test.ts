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
  expect(all()).toBe("017f22e2-79b0-7fff-bfff-ffffffffffff");
});

test("later UUIDs sort after earlier ones", () => {
  let ms = Date.now();
  const newId = createUuid(() => new Date(ms++), randomBytes);
  const ids = Array.from({ length: 100 }, newId);
  expect(ids.toSorted()).toEqual(ids);
});

test.each(["", "nobody", "017f22e2-79b0-7fff-bfff-ffffffffffff ", "{017f22e2-79b0-7fff-bfff-ffffffffffff}"])(
  "%j is no id",
  (text) => {
    expect(isUuid(text)).toBe(false);
  },
);
