import type { Caller } from "../../../domain/access/caller.ts";
import type { KnownProduct } from "../products.ts";
import { names, ownersOf, rulesFor } from "../rights.ts";

/** What a caller may have connected from here. */
export interface Choice {
  readonly product: string;
  /** For whom: whoever is typed in, or one of these. Only those for whom its links may complete in the callback. */
  readonly owners: "all" | readonly string[];
  /** Whether it may be nobody's. */
  readonly withoutOwner: boolean;
}

/**
 * Of the configured platforms. Where a product has to say who finished, it alone can make the link: nobody here would
 * complete what came of it.
 */
export function choicesOf(caller: Caller, products: readonly KnownProduct[]): readonly Choice[] {
  const rules = rulesFor(caller, "CreateInstallLink");
  return products.flatMap(({ name, missing }) => {
    if (missing !== undefined) return [];
    const ofProduct = rules.filter((rule) => names(rule, name));
    const owners = ownersOf(ofProduct.filter(({ completeInCallback }) => completeInCallback));
    const withoutOwner = ofProduct.some((rule) => rule.owners === "all");
    return owners.length === 0 && !withoutOwner ? [] : [{ product: name, owners, withoutOwner }];
  });
}
