import { and, desc, eq, type SQL, sql } from "drizzle-orm";
import type { Visibility } from "../../domain/access/access.ts";
import type { Installation, InstallationFilter, Position } from "../../domain/model/installation.ts";
import { isVisible } from "../conditions.ts";
import type { Queries } from "../database.ts";
import { pageLimit } from "../known-limit.ts";
import { installationProducts, installations } from "../schema.ts";
import { hasProduct, orderOfProducts } from "./products.ts";
import { toInstallation, viewInstallations } from "./rows.ts";

/** A list, newest first, from a place in it on. */
export interface Listing {
  readonly filter: InstallationFilter;
  readonly visible: Visibility;
  readonly after: Position | undefined;
}

/** At most `limit` of a list; of these, those that `only` is true of. */
export async function listInstallations(
  db: Queries,
  listing: Listing,
  limit: number,
  only?: SQL,
): Promise<readonly Installation[]> {
  const { platform: product } = listing.filter;
  const { createdAt, id } = orderOf(listing);
  const view = viewInstallations(db).$dynamic();
  if (product !== undefined) view.innerJoin(installationProducts, hasProduct(product));
  const rows = await view
    .where(and(isListed(listing), only))
    .orderBy(desc(createdAt), desc(id))
    .limit(pageLimit(limit))
    .prepare("list_installations")
    .execute();
  return rows.slice(0, limit).map(toInstallation);
}

/** What a list is ordered by, for an index to serve it. */
export function orderOf({ filter }: Listing) {
  return filter.platform === undefined ? installations : orderOfProducts;
}

/** Whether an installation is in the list; that it has the product is for a join to say. */
export function isListed(listing: Listing): SQL | undefined {
  const { filter, visible } = listing;
  const { status, externalOrgId, externalInstallId, owner } = filter;
  return and(
    isVisible(visible),
    status === undefined ? undefined : eq(installations.status, status),
    externalOrgId === undefined ? undefined : eq(installations.externalOrgId, externalOrgId),
    externalInstallId === undefined ? undefined : eq(installations.externalInstallId, externalInstallId),
    owner === undefined ? undefined : eq(installations.owner, owner),
    isAfter(listing),
  );
}

/** Whether it comes after the place from which the list is wanted. */
export function isAfter(listing: Listing): SQL | undefined {
  const { after } = listing;
  const { createdAt, id } = orderOf(listing);
  return after === undefined
    ? undefined
    : sql`(${createdAt}, ${id}) < (${sql.param(after.createdAt, createdAt)}, ${sql.param(after.id, id)})`;
}
