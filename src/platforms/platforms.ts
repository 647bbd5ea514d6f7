import type { Platform } from "../domain/model/platform.ts";
import type { Platforms } from "../domain/model/platforms.ts";

/**
 * Finds platforms by either of their names. `known` are the products of this version, configured or not.
 * @throws Error if two of them claim the same name or product: a mistake in the composition, not in the settings.
 */
export function createPlatforms(configured: readonly Platform[], known: readonly string[]): Platforms {
  const names = index(configured, (platform) => [platform.name]);
  const products = index(configured, (platform) => platform.products);
  return {
    byName: (name) => names.get(name),
    byProduct: (product) => products.get(product),
    all: [...configured],
    known,
  };
}

function index(
  platforms: readonly Platform[],
  keysOf: (platform: Platform) => readonly string[],
): ReadonlyMap<string, Platform> {
  const found = new Map<string, Platform>();
  for (const platform of platforms) {
    for (const key of keysOf(platform)) {
      if (found.has(key)) throw new Error(`two platforms are called ${key}`);
      found.set(key, platform);
    }
  }
  return found;
}
