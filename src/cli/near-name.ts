import { editDistance } from "../settings/edit-distance.ts";

/** The one of the known names that was most likely meant; undefined: it could be any. */
export function nearName(given: string, known: readonly string[]): string | undefined {
  const near = (name: string) => Math.min(editDistance(given.toLowerCase(), name), isBegun(given, name) ? 1 : 99);
  const [nearest] = known.toSorted((a, b) => near(a) - near(b));
  return nearest !== undefined && near(nearest) <= (nearest.length < 5 ? 1 : 2) ? nearest : undefined;
}

/** What was cut short, or what goes on after the name. */
function isBegun(given: string, name: string): boolean {
  return given.length > 2 && (name.startsWith(given) || (name.length > 2 && given.startsWith(name)));
}
