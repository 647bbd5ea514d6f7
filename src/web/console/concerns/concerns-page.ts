import { concernKinds, type ListedConcern } from "../../../domain/health/concern.ts";
import { describeConcern } from "../../../domain/health/concern-words.ts";
import { mostListed } from "../../../domain/health/list-concerns.ts";
import { type Html, html } from "../../html.ts";
import { connectionAddress } from "../connection/address.ts";
import { type KnownProduct, titleOf } from "../products.ts";
import { refusedPage } from "../refused.ts";
import type { ShowPage } from "../visit.ts";
import { concernNames } from "../words/concerns.ts";
import { timeOf } from "../words/times.ts";

/** `GET /console/concerns`: what needs a person, or will soon, of all connections that the caller may see. */
export function concernsPage({ products }: { readonly products: readonly KnownProduct[] }): ShowPage {
  return async ({ query, now, ask, concerns }) => {
    // The rules, rate and record of the list count here, too.
    const mayList = await ask("listInstallations", { page_size: 1 });
    if (mayList.status !== 200) return refusedPage(mayList);
    const kind = concernKinds.find((known) => known === query.get("kind"));
    const found = await concerns({ kind });
    const soonest = found.toSorted((a, b) => endOf(a) - endOf(b));
    return {
      kind: "page",
      title: "Needs a person",
      body: html`${filter(kind)}
${found.length < mostListed ? undefined : html`<p class="note">These are the latest ${mostListed}; there may be more. Choose a kind, or mend first what so many have in common.</p>`}
${soonest.length === 0 ? nothing(kind !== undefined) : table(soonest, products, now)}`,
    };
  };
}

function endOf({ actBefore }: ListedConcern): number {
  return actBefore?.getTime() ?? Number.MAX_SAFE_INTEGER;
}

function filter(chosen: string | undefined): Html {
  return html`<form method="get" action="/console/concerns" class="filters">
<div><label for="kind">Why</label><select id="kind" name="kind"><option value="">Everything</option>${concernKinds.map(
    (kind) =>
      html`<option value="${kind}"${kind === chosen ? html` selected` : undefined}>${concernNames[kind]}</option>`,
  )}</select></div>
<div><button type="submit">Show</button></div>
</form>`;
}

function nothing(isFiltered: boolean): Html {
  return html`<div class="note"><p>${isFiltered ? "Nothing of that kind." : "Nothing: every connection that this caller may see works, and none will stop soon as far as is known."}</p>
<p>Once a minute connections are looked through for grants that end, tokens that cannot be renewed, permissions that nobody has approved and events that do not arrive.</p></div>`;
}

function table(concerns: readonly ListedConcern[], products: readonly KnownProduct[], now: Date): Html {
  return html`<table role="table"><thead role="rowgroup"><tr role="row">${[
    "Organization",
    "Owner",
    "What is wrong",
    "What to do",
    "Since",
  ].map((name) => html`<th scope="col" role="columnheader">${name}</th>`)}</tr></thead>
<tbody role="rowgroup">${concerns.map((concern) => row(concern, products, now))}</tbody></table>`;
}

function row(concern: ListedConcern, products: readonly KnownProduct[], now: Date): Html {
  const { installationId, externalOrgName, externalOrgId, owner, platform, actBefore, since } = concern;
  const { what, remedy } = describeConcern(concern);
  return html`<tr role="row">
<th scope="row" role="rowheader"><a href="${connectionAddress(installationId)}"><bdi>${externalOrgName || externalOrgId}</bdi></a> <span class="quiet">${titleOf(platform, products)}</span></th>
<td role="cell" data-label="Owner">${owner === undefined ? html`<span class="quiet">none</span>` : html`<bdi>${owner}</bdi>`}</td>
<td role="cell" data-label="What is wrong">${what}${actBefore && html` <span class="quiet">${timeOf(actBefore, now)}</span>`}</td>
<td role="cell" data-label="What to do">${remedy}</td>
<td role="cell" data-label="Since">${timeOf(since, now)}</td>
</tr>
`;
}
