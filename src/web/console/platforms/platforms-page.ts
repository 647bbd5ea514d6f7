import type { Caller } from "../../../domain/access/caller.ts";
import { type Html, html } from "../../html.ts";
import { type KnownProduct, titleOf } from "../products.ts";
import { names, rulesFor } from "../rights.ts";
import type { ShowPage } from "../visit.ts";

/** `GET /console/platforms`: those that the caller's rules are about, and what those lack that are not configured. */
export function platformsPage({ products }: { readonly products: readonly KnownProduct[] }): ShowPage {
  return ({ caller }) => {
    const shown = products.filter(({ name }) => isAbout(caller, name));
    return {
      kind: "page",
      title: "Platforms",
      body:
        shown.length === 0
          ? html`<p class="note">The rules of this caller name no platform that there is.</p>`
          : html`<table role="table"><thead role="rowgroup"><tr role="row">${[
              "Platform",
              "Name in requests",
              "Here",
            ].map((title) => html`<th scope="col" role="columnheader">${title}</th>`)}</tr></thead>
<tbody role="rowgroup">${shown.map((product) => platformRow(product, products))}</tbody></table>
<p>Settings are read at the start of the service: <code>docs/settings.md</code> has all of them, and the README how each app is registered. Secrets may come from a file that <code>NAME_FILE</code> names.</p>`,
    };
  };
}

function isAbout(caller: Caller, product: string): boolean {
  const rules = [...rulesFor(caller, "ListInstallations"), ...rulesFor(caller, "CreateInstallLink")];
  return rules.some((rule) => names(rule, product));
}

function platformRow({ name, missing }: KnownProduct, products: readonly KnownProduct[]): Html {
  return html`<tr role="row"><th scope="row" role="rowheader">${titleOf(name, products)}</th>
<td role="cell" data-label="Name in requests"><code>${name}</code></td>
<td role="cell" data-label="Here">${
    missing === undefined
      ? html`<span class="mark success">Configured</span>`
      : html`<span class="mark quiet">Not configured</span> Missing: ${missing.map(
          (alternatives, index) => html`${index > 0 ? ", " : undefined}${inWords(alternatives)}`,
        )}`
  }</td></tr>
`;
}

/** Of settings one of which is enough. */
function inWords(alternatives: readonly string[]): Html {
  return html`${alternatives.map((name, index) => html`${index > 0 ? " or " : undefined}<code>${name}</code>`)}`;
}
