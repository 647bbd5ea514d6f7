import type { Platforms } from "../../domain/model/platforms.ts";
import type { WebHandler } from "../handler.ts";
import { type Html, html } from "../html.ts";
import { renderPage } from "../page.ts";
import { linkPagePath, sendPage } from "./answers.ts";
import { onBaseUrl } from "./base-url.ts";
import type { PlatformLabel } from "./result-pages.ts";

/** `GET /`: says to who typed the bare address what this is, and how to connect. */
export function homeRoute(site: {
  readonly baseUrl: URL;
  readonly installMode: "open" | "link";
  /** The product's own page for connecting. */
  readonly installPageUrl: URL | undefined;
  readonly platforms: Pick<Platforms, "known" | "byProduct">;
  readonly platformLabel: PlatformLabel;
}): WebHandler {
  const { baseUrl, installMode, installPageUrl, platforms, platformLabel } = site;
  const configured = platforms.known.filter((product) => platforms.byProduct(product) !== undefined);
  const page = renderPage({
    tone: "asking",
    title: "Connect accounts to your tools",
    body: html`<p>This service keeps the access that people have given to accounts at ${namesOf(configured)}, and hands it to the tools that it was given for.</p>
${installMode === "open" ? openWays() : linkWay()}
<p>Did a program show you a code? Type it in, to see what it asks for.</p>
<a class="action other" href="${onBaseUrl(baseUrl, linkPagePath).href}">I have a code</a>
<p class="quiet">You did not mean to come here? Close this page: nothing has happened.</p>`,
  });
  return (_request, response) => sendPage(response, 200, page);

  function openWays(): Html {
    if (configured.length === 0) {
      return html`<p>Nothing can be connected here yet: the people who run this service have to configure a platform first.</p>`;
    }
    return html`<p>What do you want to connect?</p>
<ul>${configured.map(
      (product) =>
        html`<li><a href="${onBaseUrl(baseUrl, `/oauth/install/${product}`).href}" rel="nofollow">Connect ${nameOf(product)}</a></li>`,
    )}</ul>`;
  }

  function linkWay(): Html {
    return html`<p>To connect one, start in the tool that will use it: it sends you here by a link of your own.</p>
${installPageUrl && html`<a class="action" href="${installPageUrl.href}" rel="noreferrer">Start at ${installPageUrl.host}</a>`}`;
  }

  /** Two ways to connect one platform are told apart by their own names. */
  function nameOf(product: string): string {
    const label = platformLabel(product) ?? product;
    const isOnly = configured.every((other) => other === product || platformLabel(other) !== label);
    return isOnly ? label : `${label} (${product})`;
  }

  function namesOf(products: readonly string[]): string {
    const labels = [...new Set(products.map((product) => platformLabel(product) ?? product))];
    return labels.length === 0 ? "other platforms" : new Intl.ListFormat("en", { type: "disjunction" }).format(labels);
  }
}
