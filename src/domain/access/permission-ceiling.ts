import type { Permissions } from "./rule.ts";

/** What a permission can be granted at, lowest first: each includes those before it. */
export const permissionLevels: readonly string[] = ["read", "write", "admin"];

/** Both together: of each permission the higher level. */
export function highest(a: Permissions, b: Permissions): Permissions {
  const most: Record<string, string> = { ...a };
  for (const [name, level] of Object.entries(b)) if (!includes(most[name], level)) most[name] = level;
  return most;
}

/** Whether `asked` is nothing that `ceiling` does not include. */
export function isWithin(asked: Permissions, ceiling: Permissions): boolean {
  return Object.entries(asked).every(([name, level]) => includes(ceiling[name], level));
}

/** What of `ceiling` was granted: of each permission in both the lower level. */
export function lowest(granted: Permissions, ceiling: Permissions): Permissions {
  const shared: Record<string, string> = {};
  for (const [name, level] of Object.entries(ceiling)) {
    const has = granted[name];
    if (has !== undefined) shared[name] = includes(level, has) ? has : level;
  }
  return shared;
}

/** A level nobody knows includes only itself. */
function includes(has: string | undefined, wanted: string): boolean {
  if (has === undefined) return false;
  return (
    has === wanted ||
    (permissionLevels.includes(wanted) && permissionLevels.indexOf(has) >= permissionLevels.indexOf(wanted))
  );
}
