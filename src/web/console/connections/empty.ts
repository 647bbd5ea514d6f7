import type { Rule } from "../../../domain/access/rule.ts";
import { type Html, html } from "../../html.ts";
import { ownersOf } from "../rights.ts";
import { type Filters, isFiltered } from "./filters.ts";

/** What stands in the place of an empty list: why it is empty, and what to do. */
export function emptyList(filters: Filters, rules: readonly Rule[]): Html {
  if (isFiltered(filters)) {
    return html`<div class="note"><p>Nothing matches. An owner is found by its whole name, as callers write it.</p>
<p><a href="/console">Show all connections</a></p></div>`;
  }
  const owners = ownersOf(rules);
  return html`<div class="note"><p>Nothing is connected yet${owners === "all" ? undefined : html` that this caller may see: it sees what belongs to ${list(owners)}`}.</p>
<p>A person connects an organization by a link that a product makes with <code>CreateInstallLink</code>.</p></div>`;
}

function list(owners: readonly string[]): Html {
  return html`${owners.map((owner, index) => html`${index > 0 ? ", " : undefined}<bdi>${owner}</bdi>`)}`;
}
