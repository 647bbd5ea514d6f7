import { and, arrayOverlaps, eq, inArray, isNull, notInArray, or, type SQL, sql } from "drizzle-orm";
import type { Visibility, VisibilityRule } from "../domain/access/access.ts";
import { installations } from "./schema.ts";

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

/** Neither ended nor still to be completed: what the unique index of live identities covers. */
export const isLive = notInArray(installations.status, ["revoked", "pending"]);

type NullableColumn =
  | typeof installations.owner
  | typeof installations.externalInstallId
  | typeof installations.externalUserId;

/** Whether a column that may be empty holds just this; null: nothing. */
export function same(column: NullableColumn, value: string | null): SQL {
  return value === null ? isNull(column) : eq(column, value);
}
