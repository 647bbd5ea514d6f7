import { type Html, html } from "../../html.ts";
import type { ListedInstallation } from "../installation.ts";
import { type Json, messageIn, textIn, textsIn, timeIn, wordsIn } from "../json-fields.ts";
import { type KnownProduct, titleOf } from "../products.ts";
import { needsPerson, statusMark } from "../words/statuses.ts";
import { timeOf } from "../words/times.ts";
import { tokenHealth } from "../words/token-health.ts";
import { webhookHealth } from "../words/webhook-health.ts";

type Fact = readonly [about: string, value: Html | string | undefined];

interface Around {
  readonly products: readonly KnownProduct[];
  readonly now: Date;
}

/** How it is: what an operator looks for first. */
export function healthFacts(json: Json, installation: ListedInstallation, { now }: Around): Html {
  const { status, lastUsedTime, lastError } = installation;
  const revokedAt = timeIn(json, "revoke_time");
  return facts([
    ["Status", html`${statusMark(status)}${needsPerson(status) ? " A person has to act." : undefined}`],
    ["Token", tokenHealth(installation, now)],
    ["Last refresh", timeFact(timeIn(json, "last_refresh_time"), now)],
    ["Token expires", timeFact(timeIn(json, "token_expire_time"), now)],
    ["Last error", lastError === "" ? undefined : html`<code>${lastError}</code>`],
    ["Last handed out", lastUsedTime === undefined ? "Never" : timeOf(lastUsedTime, now)],
    ["Revoked", timeFact(revokedAt, now)],
  ]);
}

/** Who and what it is. */
export function identityFacts(json: Json, installation: ListedInstallation, { products, now }: Around): Html {
  const { id, platform, owner, externalOrgId, externalOrgName, externalInstallId } = installation;
  return facts([
    ["Organization", html`<bdi>${externalOrgName}</bdi> <span class="quiet">(<bdi>${externalOrgId}</bdi>)</span>`],
    ["Platform", html`${titleOf(platform, products)} <span class="quiet">(<code>${platform}</code>)</span>`],
    ["Owner", owner === "" ? html`<span class="quiet">none</span>` : html`<bdi>${owner}</bdi>`],
    ["Installation at the platform", bdi(externalInstallId)],
    ["Connected by", bdi(textIn(json, "installed_by"))],
    ["Connected", timeFact(timeIn(json, "create_time"), now)],
    ["Last changed", timeFact(timeIn(json, "update_time"), now)],
    ["Scopes", words(textsIn(json, "scopes"))],
    ["Permissions", words(wordsIn(json, "permissions").map(([name, level]) => `${name}: ${level}`))],
    ...wordsIn(json, "metadata").map(([name, text]) => [`At the platform: ${name}`, bdi(text)] as const),
    ["Our id", html`<code>${id}</code>`],
  ]);
}

/** How the platform's events arrive. */
export function webhookFacts(json: Json, installation: ListedInstallation, { now }: Around): Html {
  const webhook = messageIn(json, "webhook") ?? {};
  const url = textIn(webhook, "url");
  return facts([
    ["State", webhookHealth(installation)],
    ["Address", url === "" ? undefined : html`<code>${url}</code>`],
    ["Ids at the platform", words(textsIn(webhook, "external_ids"))],
    ["Dropped by the platform unless renewed", timeFact(timeIn(webhook, "expire_time"), now)],
  ]);
}

/** What is not known is left out. `bdi` keeps an outsider's text from turning the rest of its line around. */
function facts(known: readonly Fact[]): Html {
  const given = known.filter(([, value]) => value !== undefined);
  return html`<dl>${given.map(
    ([about, value]) => html`<div><dt>${about}</dt><dd>${value}</dd></div>
`,
  )}</dl>`;
}

function timeFact(at: Date | undefined, now: Date): Html | undefined {
  if (at === undefined) return undefined;
  return html`${timeOf(at, now)} <span class="quiet">${at.toISOString().slice(0, 19).replace("T", " ")} UTC</span>`;
}

function bdi(text: string): Html | undefined {
  return text === "" ? undefined : html`<bdi>${text}</bdi>`;
}

function words(all: readonly string[]): Html | undefined {
  return all.length === 0 ? undefined : html`${all.map((word) => html`<code>${word}</code> `)}`;
}
