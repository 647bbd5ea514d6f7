import type { Concern } from "../../../domain/health/concern.ts";
import { type Html, html } from "../../html.ts";
import { connectionAddress } from "../connection/address.ts";
import { saidOf } from "../connection/name.ts";
import type { ListedInstallation } from "../installation.ts";
import { type KnownProduct, titleOf } from "../products.ts";
import { concernMark } from "../words/concerns.ts";
import { statusMark } from "../words/statuses.ts";
import { timeOf } from "../words/times.ts";
import { tokenHealth } from "../words/token-health.ts";
import { webhookHealth } from "../words/webhook-health.ts";

interface Shown {
  readonly products: readonly KnownProduct[];
  readonly now: Date;
  /** What needs a person of them, by id. */
  readonly needing: ReadonlyMap<string, readonly Concern[]>;
}

/** Rows say their roles: on a phone they are cards, which would take from browsers that it is a table. */
export function connectionsTable(installations: readonly ListedInstallation[], shown: Shown): Html {
  return html`<table role="table"><thead role="rowgroup"><tr role="row">${[
    "Organization",
    "Owner",
    "Status",
    "Token",
    "Last used",
    "Webhooks",
  ].map((name) => html`<th scope="col" role="columnheader">${name}</th>`)}</tr></thead>
<tbody role="rowgroup">${installations.map((installation) => connectionRow(installation, shown))}</tbody></table>`;
}

export function connectionRow(installation: ListedInstallation, { products, now, needing }: Shown): Html {
  const { id, platform, status, owner, externalOrgName, externalOrgId, lastUsedTime } = installation;
  return html`<tr role="row" id="connection-${id}" data-said="${saidOf(installation, products)}">
<th scope="row" role="rowheader"><a href="${connectionAddress(id)}"><bdi>${externalOrgName || externalOrgId}</bdi></a> <span class="quiet">${titleOf(platform, products)}</span></th>
<td role="cell" data-label="Owner">${owner === "" ? html`<span class="quiet">none</span>` : html`<bdi>${owner}</bdi>`}</td>
<td role="cell" data-label="Status">${statusMark(status)}${concernMark(status, needing.get(id) ?? [], now)}</td>
<td role="cell" data-label="Token">${tokenHealth(installation, now)}</td>
<td role="cell" data-label="Last used">${lastUsedTime === undefined ? "Never" : timeOf(lastUsedTime, now)}</td>
<td role="cell" data-label="Webhooks">${webhookHealth(installation)}</td>
</tr>
`;
}
