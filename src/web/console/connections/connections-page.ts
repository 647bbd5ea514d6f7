import { html } from "../../html.ts";
import { readInstallation } from "../installation.ts";
import { messagesIn, textIn } from "../json-fields.ts";
import type { KnownProduct } from "../products.ts";
import { refusedPage } from "../refused.ts";
import { may, rulesFor } from "../rights.ts";
import type { ShowPage } from "../visit.ts";
import { emptyList } from "./empty.ts";
import { type Filters, filterForm, listAddress, readFilters } from "./filters.ts";
import { connectionsTable } from "./table.ts";

const pageSize = 50;

/** `GET /console`: the installations that the caller may see, a page at a time. */
export function connectionsPage({ products }: { readonly products: readonly KnownProduct[] }): ShowPage {
  return async ({ caller, query, now, ask, concerns }) => {
    const rules = rulesFor(caller, "ListInstallations");
    if (rules.length === 0) return nothingToSee;
    const filters = readFilters(query);
    const page = query.get("page") ?? "";
    const answer = await ask("listInstallations", { ...requestFor(filters), page_size: pageSize, page_token: page });
    if (answer.status !== 200) return refusedPage(answer);
    const installations = messagesIn(answer.body, "installations").map(readInstallation);
    const needing = Map.groupBy(
      await concerns({ installationIds: installations.map(({ id }) => id) }),
      ({ installationId }) => installationId,
    );
    const next = textIn(answer.body, "next_page_token");
    const mayConnect = may(caller, "CreateInstallLink");
    const list =
      installations.length === 0
        ? emptyList(filters, { rules, products, mayConnect, place: placeOf(page, next) })
        : connectionsTable(installations, { products, now, needing });
    return {
      kind: "page",
      title: "Connections",
      body: html`${filterForm(filters, rules, products)}
<div id="list" data-live="rows">${list}</div>
<nav class="pages" aria-label="Pages of the list">
${page === "" ? undefined : html`<a href="${listAddress(filters)}">Newest</a>`}
${next === "" ? undefined : html`<a href="${listAddress(filters, next)}" rel="next">Older</a>`}
</nav>`,
    };
  };
}

/** Where very many match a search, a page may be empty and the list go on. */
function placeOf(page: string, next: string): "only" | "last" | "between" {
  if (next !== "") return "between";
  return page === "" ? "only" : "last";
}

function requestFor({ search, platform, status, owner }: Filters) {
  return { search, platform, owner, ...(status === "" ? {} : { status: `INSTALLATION_STATUS_${status}` }) };
}

const nothingToSee = {
  kind: "page",
  status: 403,
  title: "Nothing for this caller",
  body: html`<p>The rules of this caller do not let it list connections.</p>
<p>Whoever keeps the caller file can give it <code>ListInstallations</code>, for the platforms and owners that it is to see.</p>`,
} as const;
