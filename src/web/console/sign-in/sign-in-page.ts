import type { Secret } from "../../../secret.ts";
import { type Html, html } from "../../html.ts";
import { formOf } from "../form-of.ts";

/** Why somebody is asked to sign in again. */
export type SignInProblem = "wrong_key" | "too_many" | "signed_out" | "form_stale" | "no_answer";

interface Words {
  readonly text: string;
  readonly isProblem: boolean;
}

export const signInWords: Record<SignInProblem | "none", Words & { readonly status: number }> = {
  none: {
    status: 401,
    isProblem: false,
    text: "The console shows and does what one caller of this service may. Sign in with that caller's API key.",
  },
  wrong_key: {
    status: 401,
    isProblem: true,
    text: "No caller of this service has that key, or it has expired. Look whether you copied the whole of it.",
  },
  too_many: {
    status: 429,
    isProblem: true,
    text: "Too many wrong keys came from your network. Wait ten minutes, then try again.",
  },
  signed_out: {
    status: 401,
    isProblem: true,
    text: "You are signed out: the session has ended, or the key does not count any more. Nothing was done.",
  },
  form_stale: {
    status: 403,
    isProblem: true,
    text: "Another tab has asked to sign in since, this page was open for long, or the browser keeps no cookie of this address (where TLS is in use, over https alone). Nothing was done: enter the key once more.",
  },
  no_answer: {
    status: 503,
    isProblem: true,
    text: "The service cannot look at keys at the moment. Try again shortly.",
  },
};

/** The form to sign in with. `to`: where it leads, a path of the console. */
export function signInBody(page: { readonly words: Words; readonly token: Secret; readonly to: string }): Html {
  const { words, token, to } = page;
  return html`<p id="about"${words.isProblem ? html` class="note failure" role="alert"` : undefined}>${words.text}</p>
${formOf(
  "/console/sign-in",
  token,
  html`<input type="hidden" name="to" value="${to}">
<label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="current-password" spellcheck="false" required aria-describedby="about"${words.isProblem ? html` aria-invalid="true"` : undefined}>
<button type="submit">Sign in</button>`,
)}
<p class="quiet">A key is made by <code>oauth-token-service keys create NAME</code>, which prints it and the line for the caller file.
It is kept, sealed, in this browser for as long as you are signed in: 8 hours, or 1 hour without a click.</p>`;
}
