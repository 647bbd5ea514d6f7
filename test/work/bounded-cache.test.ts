import { expect, test } from "vitest";
import { boundedCache } from "../../src/work/bounded-cache.ts";

test("remembers what was used last, and tells of what it forgets", () => {
  const gone: string[] = [];
  const cache = boundedCache<number>(2, (_value, key) => void gone.push(key));
  cache.set("a", 1);
  cache.set("b", 2);
  cache.get("a");
  cache.set("c", 3);
  expect([...cache.keys()].toSorted()).toEqual(["a", "c"]);
  expect([cache.size, gone]).toEqual([2, ["b"]]);
});

test("takes no memory for what is not in it", () => {
  const before = process.memoryUsage();
  const caches = Array.from({ length: 10 }, () => boundedCache<number>(1_000_000));
  const after = process.memoryUsage();
  // By the library's own way it would be 200 MB.
  expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(20_000_000);
  expect(caches).toHaveLength(10);
});
