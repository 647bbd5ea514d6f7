import { and, arrayOverlaps, inArray, or, type SQL, sql } from "drizzle-orm";
import type { Visibility, VisibilityRule } from "../../domain/access/access.ts";
import { installations } from "../schema.ts";

/** What a caller may see, as a condition on installations; undefined: everything. */
export function isVisible({ rules }: Visibility): SQL | undefined {
  if (rules.some(({ products, owners }) => products === "all" && owners === "all")) return undefined;
  // No rule at all shows nothing.
  return or(...rules.map(fits)) ?? sql`false`;
}

function fits({ products, owners }: VisibilityRule): SQL | undefined {
  // What names nothing shows nothing.
  if (products.length === 0 || owners.length === 0) return sql`false`;
  return and(
    products === "all" ? undefined : arrayOverlaps(installations.products, [...products]),
    owners === "all" ? undefined : inArray(installations.owner, [...owners]),
  );
}
