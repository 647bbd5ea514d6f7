import type { Platform } from "../domain/model/platform.ts";
import type { Platforms } from "../domain/model/platforms.ts";

/** Every name callers may ask for in this version, whether or not its settings are given. */
export const knownProducts: readonly string[] = ["github", "github-oauth", "jira", "confluence", "slack", "sentry"];

/**
 * Finds platforms by either of their names.
 * @throws Error if two of them claim the same name or product: a mistake in the composition, not in the settings.
 */
export function createPlatforms(configured: readonly Platform[]): Platforms {
  const names = index(configured, (platform) => [platform.name]);
  const products = index(configured, (platform) => platform.products);
  return {
    byName: (name) => names.get(name),
    byProduct: (product) => products.get(product),
    all: [...configured],
    known: [...new Set([...knownProducts, ...products.keys()])],
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
