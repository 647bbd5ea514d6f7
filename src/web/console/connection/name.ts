import type { ListedInstallation } from "../installation.ts";
import { type KnownProduct, titleOf } from "../products.ts";
import { statuses } from "../words/statuses.ts";

/** How it is called in headings and questions. */
export function nameOf(installation: ListedInstallation, products: readonly KnownProduct[]): string {
  const { externalOrgName, externalOrgId, platform } = installation;
  return `${externalOrgName || externalOrgId} on ${titleOf(platform, products)}`;
}

/** How it stands, for whoever hears a page instead of seeing it. */
export function saidOf(installation: ListedInstallation, products: readonly KnownProduct[]): string {
  const { status } = installation;
  return `${nameOf(installation, products)}: ${statuses[status]?.label ?? status}`;
}
