import { html } from "../../html.ts";
import { formOf } from "../form-of.ts";
import { readInstallation } from "../installation.ts";
import { textIn } from "../json-fields.ts";
import { type KnownProduct, titleOf } from "../products.ts";
import { refusedPage } from "../refused.ts";
import type { ShowPage, TakeForm, Visit } from "../visit.ts";
import { outcomeWords, type RevocationReach, reachWords } from "../words/revocation.ts";
import { timeOf } from "../words/times.ts";
import { connectionAddress } from "./address.ts";
import { mayRevoke, type ProductsOf } from "./allowed.ts";
import { findInstallation } from "./find.ts";
import { nameOf } from "./name.ts";

export interface RevokeParts {
  readonly products: readonly KnownProduct[];
  readonly productsOf: ProductsOf;
  /** How far revoking reaches at a platform; undefined: it has no settings here. */
  readonly revocationReach: (platform: string) => RevocationReach | undefined;
}

/** `GET /console/connections/{id}/revoke`: says what will happen, and asks. */
export function revokePage(parts: RevokeParts): ShowPage {
  return (visit) => askFirst(visit, parts);
}

/** `POST` there: does it, once whoever sends it has said that they mean this one. */
export function revokeForm(parts: RevokeParts): TakeForm {
  return async (visit, fields) => {
    const { id = "" } = visit.path;
    if (fields.get("confirmed") !== id) return askFirst(visit, parts);
    const reason = (fields.get("reason") ?? "").trim() || "revoked in the console";
    const answer = await visit.ask("revokeInstallation", { installation_id: id, reason });
    if (answer.status !== 200) return refusedPage(answer);
    const { text, isDone } = outcomeWords(textIn(answer.body, "provider_revocation"));
    return {
      kind: "page",
      title: "Revoked",
      body: html`<p>No replica hands out its tokens any more, and what was kept of it here is deleted.</p>
<p${isDone ? undefined : html` class="note failure"`}>${text}</p>
<p><a href="${connectionAddress(id)}">The connection, and what is on record of it</a></p>
<p><a href="/console">All connections</a></p>`,
    };
  };
}

async function askFirst(visit: Visit, { products, productsOf, revocationReach }: RevokeParts) {
  const { caller, formToken, now } = visit;
  const found = await findInstallation(visit);
  if (found.kind === "missing") return found.shown;
  const installation = readInstallation(found.installation);
  const { id, platform, status, owner, lastUsedTime } = installation;
  const back = html`<p><a href="${connectionAddress(id)}">Leave it as it is</a></p>`;
  const name = nameOf(installation, products);
  if (status === "REVOKED") {
    return { kind: "page", title: `${name} is revoked already`, body: back } as const;
  }
  if (!mayRevoke(caller, installation, productsOf)) {
    const body = html`<p>The rules of this caller do not let it revoke this one (<code>RevokeInstallation</code>).</p>${back}`;
    return { kind: "page", status: 403, title: "This caller may not revoke", body } as const;
  }
  const use =
    lastUsedTime === undefined ? "It was never used." : html`It was last handed out ${timeOf(lastUsedTime, now)}.`;
  return {
    kind: "page",
    title: `Revoke ${name}?`,
    body: html`<div class="note failure"><p><b>This cannot be undone.</b> What will happen:</p>
<ul>
<li>Here: no caller gets a token of <bdi>${name}</bdi> (<code>${installation.externalOrgId}</code>)${owner === "" ? undefined : html`, which belongs to <bdi>${owner}</bdi>,`} from that moment on, and the tokens that are kept are deleted. ${use}</li>
<li>At ${titleOf(platform, products)}: ${reachWords(revocationReach(platform))}</li>
<li>Webhooks that this service has registered for it are removed.</li>
<li>To use it again a person has to connect it anew.</li>
</ul></div>
${formOf(
  connectionAddress(id, "revoke"),
  formToken,
  html`<input type="hidden" name="confirmed" value="${id}">
<label for="reason">Why, for the record</label>
<input id="reason" name="reason" maxlength="1024" autocomplete="off" aria-describedby="optional"><span class="quiet" id="optional">May be left empty.</span>
<p><button type="submit" class="danger">Revoke it for good</button></p>`,
)}
${back}`,
  } as const;
}
