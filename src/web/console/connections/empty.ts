import type { Rule } from "../../../domain/access/rule.ts";
import { type Html, html } from "../../html.ts";
import type { KnownProduct } from "../products.ts";
import { names, ownersOf } from "../rights.ts";
import { type Filters, isFiltered } from "./filters.ts";

interface Around {
  readonly rules: readonly Rule[];
  readonly mayConnect: boolean;
  /** Where the empty page is in the list. */
  readonly place: "only" | "last" | "between";
  readonly products: readonly KnownProduct[];
}

/** What stands in the place of an empty list: why it is empty, and what to do. */
export function emptyList(filters: Filters, { rules, mayConnect, products, place }: Around): Html {
  if (place === "between")
    return html`<p class="note">Nothing so far: very many had to be looked at. Go on with <i>Older</i>.</p>`;
  if (place === "last") return html`<p class="note">That was all.</p>`;
  if (isFiltered(filters)) {
    return html`<div class="note"><p>Nothing matches. Names and owners are found by how they begin, ids by the whole of them.</p>
<p><a href="/console">Show all connections</a></p></div>`;
  }
  const owners = ownersOf(rules);
  const seen = owners === "all" ? undefined : html` that this caller may see: it sees what belongs to ${list(owners)}`;
  const isReady = products.some(
    ({ name, missing }) => missing === undefined && rules.some((rule) => names(rule, name)),
  );
  return html`<div class="note"><h2>Nothing is connected yet${seen}</h2>
${isReady ? nextStep(mayConnect) : html`<p>No platform of this caller is configured. <a href="/console/platforms">See what each of them lacks</a></p>`}</div>`;
}

function nextStep(mayConnect: boolean): Html {
  return html`<p>A connection begins with a link, by which a person lets the service into an organization, workspace or site once.
From then on products ask for its tokens with <code>GetToken</code>.</p>
${
  mayConnect
    ? html`<p><a class="action" href="/console/connect">Make the first link</a></p>`
    : html`<p>Products make links with <code>CreateInstallLink</code>; this caller may not.</p>`
}`;
}

function list(owners: readonly string[]): Html {
  return html`${owners.map((owner, index) => html`${index > 0 ? ", " : undefined}<bdi>${owner}</bdi>`)}`;
}
