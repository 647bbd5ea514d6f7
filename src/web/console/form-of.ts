import type { Secret } from "../../secret.ts";
import { type Html, html } from "../html.ts";

/** A form that does something: it carries what binds it to this browser's session. */
export function formOf(action: string, token: Secret, fields: Html): Html {
  return html`<form method="post" action="${action}"><input type="hidden" name="token" value="${token.reveal()}">
${fields}</form>`;
}
