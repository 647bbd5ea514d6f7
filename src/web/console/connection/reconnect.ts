import { html } from "../../html.ts";
import { forOwner, madeLink } from "../connect/link-page.ts";
import { readInstallation } from "../installation.ts";
import type { KnownProduct } from "../products.ts";
import type { TakeForm } from "../visit.ts";
import { connectionAddress } from "./address.ts";
import { type ProductsOf, reconnectsAs } from "./allowed.ts";
import { findInstallation } from "./find.ts";
import { nameOf } from "./name.ts";

interface Parts {
  readonly products: readonly KnownProduct[];
  readonly productsOf: ProductsOf;
}

/** `POST /console/connections/{id}/reconnect`: a link by which one person renews the grant of this organization. */
export function reconnectForm({ products, productsOf }: Parts): TakeForm {
  return async (visit) => {
    const found = await findInstallation(visit);
    if (found.kind === "missing") return found.shown;
    const installation = readInstallation(found.installation);
    const { id, platform, owner } = installation;
    // Who may not is refused there, on record.
    const product = reconnectsAs(visit.caller, installation, productsOf) ?? platform;
    return madeLink(
      visit,
      { platform: product, installation_id: id, ...forOwner(owner) },
      {
        title: `Connect ${nameOf(installation, products)} again`,
        about: html`Whoever opens it is asked by the platform to approve again; another organization than this one is refused.`,
        back: html`<a href="${connectionAddress(id)}">Back to the connection</a>`,
      },
    );
  };
}
