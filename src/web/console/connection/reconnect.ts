import { html } from "../../html.ts";
import { readInstallation } from "../installation.ts";
import { textIn, timeIn } from "../json-fields.ts";
import type { KnownProduct } from "../products.ts";
import { refusedPage } from "../refused.ts";
import type { TakeForm } from "../visit.ts";
import { timeOf } from "../words/times.ts";
import { connectionAddress } from "./address.ts";
import { findInstallation } from "./find.ts";
import { nameOf } from "./name.ts";

/** `POST /console/connections/{id}/reconnect`: a link by which one person renews the grant of this organization. */
export function reconnectForm({ products }: { readonly products: readonly KnownProduct[] }): TakeForm {
  return async (visit) => {
    const found = await findInstallation(visit);
    if (found.kind === "missing") return found.shown;
    const installation = readInstallation(found.installation);
    const { id, platform, owner } = installation;
    const answer = await visit.ask("createInstallLink", {
      ...{ platform, installation_id: id },
      // No product waits for a code here: whoever has this page open vouches for the person.
      ...(owner === "" ? {} : { owner, complete_in_callback: true }),
    });
    if (answer.status !== 200) return refusedPage(answer);
    const url = textIn(answer.body, "url");
    const expires = timeIn(answer.body, "expire_time");
    return {
      kind: "page",
      title: `Connect ${nameOf(installation, products)} again`,
      body: html`<p>Whoever opens this link is asked by the platform to approve again. It is good for one person, once${expires && html`, and expires ${timeOf(expires, visit.now)}`}. Another organization than this one is refused.</p>
<p><a class="action" href="${url}" rel="noreferrer">Open it here</a></p>
<p>Or send it to who may approve for the organization:</p>
<pre tabindex="0" aria-label="The link"><code>${url}</code></pre>
<p><button type="button" class="other" data-copy hidden>Copy</button></p>
<p><a href="${connectionAddress(id)}">Back to the connection</a></p>`,
    };
  };
}
