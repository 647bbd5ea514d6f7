import type { LinkFacts } from "../connecting/install-link.ts";
import type { LinkCode } from "./link-code.ts";

/** What the attempt that a code begins is told: what it obtains is active at once, whoever's it is. */
export function linkFacts({ id, caller, policyHash, product }: LinkCode): LinkFacts {
  return { caller, policyHash, product, scopes: [], installationId: undefined, awaitsOwner: false, linkCodeId: id };
}
