import { type Html, html } from "../../html.ts";
import { formOf } from "../form-of.ts";
import { type ListedInstallation, readInstallation } from "../installation.ts";
import type { KnownProduct } from "../products.ts";
import type { ShowPage, Visit } from "../visit.ts";
import { concernNotes } from "../words/concerns.ts";
import { connectionAddress } from "./address.ts";
import { mayRevoke, type ProductsOf, reconnectsAs } from "./allowed.ts";
import { commandLines, type GrpcDoor } from "./commands.ts";
import { healthFacts, identityFacts, webhookFacts } from "./facts.ts";
import { findInstallation } from "./find.ts";
import { nameOf, saidOf } from "./name.ts";
import { trailOf } from "./trail.ts";

export interface ConnectionParts {
  readonly products: readonly KnownProduct[];
  readonly productsOf: ProductsOf;
  /** Undefined until callers are listened to. */
  readonly grpcDoor: () => GrpcDoor | undefined;
  /** Whether calls have to prove whose they are. */
  readonly signsIn: boolean;
}

/** `GET /console/connections/{id}`: everything that is known of one, and what can be done with it. */
export function connectionPage({ products, productsOf, grpcDoor, signsIn }: ConnectionParts): ShowPage {
  return async (visit) => {
    const found = await findInstallation(visit);
    if (found.kind === "missing") return found.shown;
    const installation = readInstallation(found.installation);
    const { id } = installation;
    const around = { products, now: visit.now };
    const trail = await trailOf(id, visit);
    const concerns = concernNotes(await visit.concerns({ installationIds: [id] }), visit.now);
    const door = grpcDoor();
    return {
      kind: "page",
      title: nameOf(installation, products),
      body: html`<p><a href="/console">All connections</a></p>
${section("health", "Health", html`${concerns}${healthFacts(found.installation, installation, around)}`, saidOf(installation, products))}
${section("deeds", "What you can do", deeds(installation, visit, productsOf), "")}
${section("webhook", "Webhook", webhookFacts(found.installation, installation, around), "")}
${section("facts", "What is known of it", identityFacts(found.installation, installation, around), "")}
${door && section("commands", "In a terminal", commandLines({ installationId: id, host: visit.host, door, withKey: signsIn }))}
${section("trail", "On record", trail, "")}`,
    };
  };
}

/** `said`: what a change of it is announced with; undefined: it does not change. */
function section(id: string, heading: string, content: Html, said?: string): Html {
  const live = said === undefined ? undefined : html` data-live="whole" data-said="${said}"`;
  return html`<section id="${id}" aria-labelledby="${id}-heading"${live}><h2 id="${id}-heading">${heading}</h2>
${content}</section>`;
}

function deeds(installation: ListedInstallation, { caller, formToken }: Visit, productsOf: ProductsOf): Html {
  const { id, status } = installation;
  if (status === "REVOKED") return html`<p>Nothing more: it was revoked, and what was kept of it is deleted.</p>`;
  const reconnects = status !== "PENDING" && reconnectsAs(caller, installation, productsOf) !== undefined;
  const revokes = mayRevoke(caller, installation, productsOf);
  if (!reconnects && !revokes) return html`<p>Look: the rules of this caller let it change nothing here.</p>`;
  return html`<div class="deeds">${
    reconnects
      ? formOf(
          connectionAddress(id, "reconnect"),
          formToken,
          html`<button type="submit">Connect again</button>
<span class="quiet">makes a link by which a person renews the grant of this organization</span>`,
        )
      : undefined
  }${
    revokes
      ? html`<p><a class="action other" href="${connectionAddress(id, "revoke")}">Revoke</a>
<span class="quiet">asks first, and says what would end</span></p>`
      : undefined
  }</div>`;
}
