import type { Setting } from "../settings/setting.ts";
import type { AnyReader } from "../settings/setting-reader.ts";

/** What this version does not do yet is never silently ignored. */
export function warnOfUnused(reader: AnyReader, settings: readonly Setting[]): void {
  const unused = settings.filter(({ name, support }) => support === "unused" && reader.isGiven(name));
  if (unused.length > 0) reader.warn(`this version does not use ${unused.map(({ name }) => name).join(", ")} yet`);
}
