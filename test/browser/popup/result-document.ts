import { resultPageScript } from "../../../gen/browser/scripts.ts";

/** The page that a popup ends with, so far as the helper and its script are concerned. */
export function resultDocument(told: {
  readonly message: Readonly<Record<string, unknown>>;
  readonly openerOrigin: string;
  readonly goOn?: string;
}): string {
  const message = JSON.stringify({ source: "oauth-token-service", ...told.message }).replaceAll('"', "&quot;");
  const goOn = told.goOn === undefined ? "" : ` data-go-on="${told.goOn}"`;
  return `<!doctype html><title>result</title><h1>result</h1>
<div hidden data-popup-message="${message}" data-opener-origin="${told.openerOrigin}"${goOn}></div>
<script>${resultPageScript}</script>`;
}
