import { LRUCache } from "lru-cache";

/**
 * Remembers so many values at most, those used last. It takes memory as it fills: told by `max`, the library sets aside
 * that of all its entries, which for all caches of the service is 12 MB and as long as a fifth of its start.
 */
export function boundedCache<Value extends NonNullable<unknown>>(
  most: number,
  disposeAfter?: (gone: Value, key: string) => void,
): LRUCache<string, Value> {
  return new LRUCache({ maxSize: most, sizeCalculation: () => 1, ...(disposeAfter && { disposeAfter }) });
}
