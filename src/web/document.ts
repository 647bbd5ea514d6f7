import { createHash } from "node:crypto";
import { type Html, html } from "./html.ts";

/** A page as a browser takes it: nothing in it has to be fetched. */
export interface Document {
  /** What happened or what is shown here; the name of the service is added. */
  readonly title: string;
  readonly stylesheet: Html;
  readonly body: Html;
  /** Runs when the page has been read. What it is told stands in attributes of the body, where values are escaped. */
  readonly script?: { readonly nonce: string; readonly source: Html } | undefined;
}

export const serviceName = "OAuth Token Service";

/** The icon is part of the page: else every browser asks for one, which `default-src` refuses and reports. */
const icon = html`data:image/svg+xml,%3Csvg xmlns=%27http://www.w3.org/2000/svg%27 viewBox=%270 0 24 24%27%3E%3Crect width=%2724%27 height=%2724%27 rx=%276%27 fill=%27%231f5fd1%27/%3E%3Cg fill=%27none%27 stroke=%27%23fff%27 stroke-width=%272%27 stroke-linecap=%27round%27%3E%3Ccircle cx=%278%27 cy=%2712%27 r=%273%27/%3E%3Cpath d=%27M11 12h7.5M16 12v3%27/%3E%3C/g%3E%3C/svg%3E`;

/** The whole document. */
export function renderDocument({ title, stylesheet, body, script }: Document): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} - ${serviceName}</title>
<link rel="icon" href="${icon}">
<style>${stylesheet}</style>
</head>
<body>
${body}
${script && html`<script nonce="${script.nonce}">${script.source}</script>`}
</body>
</html>
`.toString();
}

/** What a page may do besides being read. */
export interface PagePolicy {
  /** The only style it may have. */
  readonly stylesheet: Html;
  /** Its forms may go to where it came from; by default it has none. */
  readonly forms?: boolean;
  /** The one script it may run; by default it has none. */
  readonly scriptNonce?: string;
  /** Its script may ask where it came from. */
  readonly connects?: boolean;
}

/** The policy of a page, with everything it does not name refused (Content Security Policy Level 3). */
export function contentPolicy({ stylesheet, forms, scriptNonce, connects }: PagePolicy): string {
  return [
    "default-src 'none'",
    `style-src '${hashOf(stylesheet)}'`,
    "img-src data:",
    ...(scriptNonce === undefined ? [] : [`script-src 'nonce-${scriptNonce}'`]),
    ...(connects ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    `form-action ${forms ? "'self'" : "'none'"}`,
    "frame-ancestors 'none'",
  ].join("; ");
}

function hashOf(stylesheet: Html): string {
  return `sha256-${createHash("sha256").update(stylesheet.toString()).digest("base64")}`;
}
