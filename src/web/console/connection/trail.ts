import { type Html, html } from "../../html.ts";
import { type Json, messagesIn, textIn, timeIn } from "../json-fields.ts";
import { refusalIn } from "../refused.ts";
import { may } from "../rights.ts";
import type { Visit } from "../visit.ts";
import { auditWords } from "../words/audit-kinds.ts";
import { timeOf } from "../words/times.ts";
import { connectionAddress } from "./address.ts";

const pageSize = 25;

/** What the record has of an installation, newest first, a page at a time. */
export async function trailOf(id: string, { caller, query, now, ask }: Visit): Promise<Html> {
  if (!may(caller, "ListAuditEvents")) {
    return html`<p>The rules of this caller do not let it read the record (<code>ListAuditEvents</code>).</p>`;
  }
  const page = query.get("trail") ?? "";
  const answer = await ask("listAuditEvents", { installation_id: id, page_size: pageSize, page_token: page });
  if (answer.status !== 200) {
    const { reason, message } = refusalIn(answer);
    return html`<div class="note failure"><p>The record cannot be shown: ${message} (<code>${reason}</code>)</p>
<p><a href="${connectionAddress(id)}">Try again from its newest entry</a></p></div>`;
  }
  const events = messagesIn(answer.body, "events");
  const next = textIn(answer.body, "next_page_token");
  const older = `${connectionAddress(id)}?${new URLSearchParams({ trail: next })}#trail`;
  return html`${events.length === 0 ? html`<p>Nothing is on record of it${page === "" ? " yet" : " before that"}.</p>` : table(events, now)}
<nav class="pages" aria-label="Pages of the record">
${page === "" ? undefined : html`<a href="${connectionAddress(id)}#trail">Newest</a>`}
${next === "" ? undefined : html`<a href="${older}" rel="next">Older</a>`}
</nav>`;
}

function table(events: readonly Json[], now: Date): Html {
  const columns = ["When", "What happened", "Who", "By way of", "From"];
  return html`<table role="table"><thead role="rowgroup"><tr role="row">${columns.map(
    (name) => html`<th scope="col" role="columnheader">${name}</th>`,
  )}</tr></thead>
<tbody role="rowgroup">${events.map((event) => row(event, now))}</tbody></table>`;
}

function row(event: Json, now: Date): Html {
  const at = timeIn(event, "time");
  const [kind, detail, tokenId] = [textIn(event, "kind"), textIn(event, "detail"), textIn(event, "token_id")];
  const times = typeof event.count === "number" && event.count > 1 ? `, ${event.count} times` : undefined;
  const more = [
    detail === "" ? undefined : html`<code>${detail}</code> `,
    tokenId === ""
      ? undefined
      : html`token <code title="SHA-256 of the token: ${tokenId}">${tokenId.slice(0, 12)}</code>`,
  ].filter((part) => part !== undefined);
  return html`<tr role="row">
<td role="cell" data-label="When">${at && timeOf(at, now)}</td>
<td role="cell" data-label="What happened">${auditWords(kind)}${times} <code class="quiet">${kind}</code>${more.length === 0 ? undefined : html` <span class="quiet">${more}</span>`}</td>
<td role="cell" data-label="Who"><bdi>${textIn(event, "caller")}</bdi></td>
<td role="cell" data-label="By way of"><bdi>${textIn(event, "method")}</bdi></td>
<td role="cell" data-label="From"><bdi>${textIn(event, "address") || "-"}</bdi></td>
</tr>
`;
}
