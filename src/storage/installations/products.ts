import { and, eq, type Placeholder, type SQL } from "drizzle-orm";
import { installationProducts, installations } from "../schema.ts";

/** Joins an installation that serves `product`, through the index that has each product's installations in order. */
export function hasProduct(product: string | Placeholder): SQL | undefined {
  return and(eq(installationProducts.product, product), eq(installationProducts.installationId, installations.id));
}

/** What the installations of one product are to be ordered by, in place of their own columns, for that index to serve. */
export const orderOfProducts = { createdAt: installationProducts.createdAt, id: installationProducts.installationId };
