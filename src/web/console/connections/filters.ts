import type { Rule } from "../../../domain/access/rule.ts";
import { type Html, html } from "../../html.ts";
import { type KnownProduct, titleOf } from "../products.ts";
import { names, ownersOf } from "../rights.ts";
import { statuses } from "../words/statuses.ts";

/** What narrows the list. Empty: nothing. */
export interface Filters {
  /** How a name or an owner begins, or an id. */
  readonly search: string;
  readonly platform: string;
  readonly status: string;
  readonly owner: string;
}

export function readFilters(query: URLSearchParams): Filters {
  const text = (name: string) => (query.get(name) ?? "").trim();
  return { search: text("search"), platform: text("platform"), status: text("status"), owner: text("owner") };
}

export function isFiltered(filters: Filters): boolean {
  return Object.values(filters).some((value) => value !== "");
}

/** The address of the list with these filters, and of one of its pages. */
export function listAddress(filters: Filters, page?: string): string {
  const given = Object.entries({ ...filters, page: page ?? "" }).filter(([, value]) => value !== "");
  return given.length === 0 ? "/console" : `/console?${new URLSearchParams(given)}`;
}

/** Offers what the caller may ask for, and nothing else. */
export function filterForm(filters: Filters, rules: readonly Rule[], products: readonly KnownProduct[]): Html {
  const mayName = products.filter(({ name }) => rules.some((rule) => names(rule, name)));
  const platforms = mayName.map(({ name }) => [name, titleOf(name, products)] as const);
  const owners = ownersOf(rules);
  return html`<form method="get" action="/console" class="filters" role="search">
<div class="wide"><label for="search">Search</label><input id="search" type="search" name="search" value="${filters.search}" maxlength="256" autocomplete="off" spellcheck="false" aria-describedby="search-about">
<span class="quiet" id="search-about">How a name or an owner begins, or an id</span></div>
<div><label for="platform">Platform</label>${choice("platform", filters.platform, "Every platform", platforms)}</div>
<div><label for="status">Status</label>${choice(
    "status",
    filters.status,
    "Every status",
    Object.entries(statuses).map(([status, { label }]) => [status, label] as const),
  )}</div>
<div><label for="owner">Owner</label>${
    owners === "all"
      ? html`<input id="owner" name="owner" value="${filters.owner}" maxlength="256" autocomplete="off" spellcheck="false">`
      : choice(
          "owner",
          filters.owner,
          "Every owner",
          owners.map((owner) => [owner, owner] as const),
        )
  }</div>
<div><button type="submit">Show</button>${isFiltered(filters) ? html` <a href="/console">Show all</a>` : undefined}</div>
</form>`;
}

function choice(name: string, chosen: string, all: string, options: readonly (readonly [string, string])[]): Html {
  return html`<select id="${name}" name="${name}"><option value="">${all}</option>${options.map(
    ([value, label]) =>
      html`<option value="${value}"${value === chosen ? html` selected` : undefined}>${label}</option>`,
  )}</select>`;
}
