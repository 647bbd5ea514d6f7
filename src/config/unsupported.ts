import type { Reader } from "./settings.ts";
import { settings } from "./settings.ts";

/** What this version does not do yet is never silently ignored. */
export function warnOfUnused(reader: Reader): void {
  const unused = settings.filter((setting) => "support" in setting && reader.isGiven(setting.name));
  if (unused.length > 0) reader.warn(`this version does not use ${unused.map(({ name }) => name).join(", ")} yet`);
}
