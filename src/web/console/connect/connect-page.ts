import { type Html, html } from "../../html.ts";
import { formOf } from "../form-of.ts";
import { type KnownProduct, titleOf } from "../products.ts";
import { may } from "../rights.ts";
import type { ShowPage, TakeForm, Visit } from "../visit.ts";
import { type Choice, choicesOf } from "./choices.ts";
import { forOwner, madeLink } from "./link-page.ts";

interface Parts {
  readonly products: readonly KnownProduct[];
}

/** `GET /console/connect`: what the caller may have connected, and for whom. */
export function connectPage({ products }: Parts): ShowPage {
  return (visit) => {
    const { caller } = visit;
    if (!may(caller, "CreateInstallLink")) return notForThisCaller;
    const choices = choicesOf(caller, products);
    return {
      kind: "page",
      title: "Connect",
      body: html`<p>You get a link that whoever has it can use once, within ten minutes: open it yourself, or send it to the person who may connect the organization.</p>
${choices.length === 0 ? nothingToChoose : choices.map((choice) => card(choice, visit, products))}
<p>What else there is, and what it lacks: <a href="/console/platforms">platforms</a>.</p>`,
    };
  };
}

/** `POST /console/connect`: makes the link. */
export function connectForm({ products }: Parts): TakeForm {
  return (visit, fields) => {
    const platform = fields.get("platform") ?? "";
    const owner = (fields.get("owner") ?? "").trim();
    const whose = owner === "" ? "nobody in particular" : html`<b><bdi>${owner}</bdi></b>`;
    return madeLink(
      visit,
      { platform, ...forOwner(owner) },
      {
        title: `A link to connect ${titleOf(platform, products)}`,
        about: html`What is connected with it belongs to ${whose}, whoever connects it.`,
        back: html`<a href="/console">The list shows it once it is connected</a>`,
      },
    );
  };
}

function card(
  { product, owners, withoutOwner }: Choice,
  { formToken }: Visit,
  products: readonly KnownProduct[],
): Html {
  const title = titleOf(product, products);
  const id = `owner-${product}`;
  return html`<section class="note" aria-labelledby="connect-${product}"><h2 id="connect-${product}">${title}</h2>
${formOf(
  "/console/connect",
  formToken,
  html`<input type="hidden" name="platform" value="${product}">
${ownerField(id, owners, withoutOwner)}
<button type="submit">Make a link for ${title}</button>`,
)}</section>`;
}

function ownerField(id: string, owners: Choice["owners"], withoutOwner: boolean): Html {
  if (owners === "all") {
    return html`<label for="${id}">Owner, as your products write it</label>
<input id="${id}" name="owner" maxlength="256" autocomplete="off" spellcheck="false"${withoutOwner ? undefined : html` required`} aria-describedby="${id}-about">
<p class="quiet" id="${id}-about">The tenant or user it will belong to.${withoutOwner ? " Empty: it belongs to nobody, and callers of all owners use it." : undefined}</p>`;
  }
  if (owners.length === 0) return html`<p>It will belong to nobody; callers of all owners use it.</p>`;
  return html`<label for="${id}">Owner</label>
<select id="${id}" name="owner">${withoutOwner ? html`<option value="">Nobody</option>` : undefined}${owners.map((owner) => html`<option>${owner}</option>`)}</select>`;
}

const notForThisCaller = {
  kind: "page",
  status: 403,
  title: "This caller makes no links",
  body: html`<p>Its rules do not have <code>CreateInstallLink</code>. Whoever keeps the caller file can add it.</p>`,
} as const;

const nothingToChoose = html`<div class="note"><p>There is nothing that this caller can connect from here.</p>
<p>Either no platform that its rules name is configured, or its links are for owners and have no <code>complete_in_callback</code>:
then only a product, which knows its signed-in person, can make the link and complete what comes of it.</p></div>`;
