import type { World } from "../../world.ts";
import { contentPolicy, type PagePolicy } from "../document.ts";
import type { WebRequest, WebResponse } from "../handler.ts";
import { html } from "../html.ts";
import type { FormTokens } from "./form-tokens.ts";
import { type Present, renderFrame } from "./frame.ts";
import { type Refusal, refusals } from "./refusals.ts";
import type { Sessions } from "./sessions.ts";
import { type SignInProblem, signInBody, signInWords } from "./sign-in/sign-in-page.ts";
import { consoleStyle } from "./style.ts";
import type { Shown } from "./visit.ts";

/** Everything that the console answers with. */
export interface Answers {
  shown(response: WebResponse, shown: Shown, present: Present): void;
  /** To a path of the console. */
  redirect(response: WebResponse, to: string): void;
  /** The form to sign in with, which leads `to` a path of the console. */
  signIn(
    request: WebRequest,
    response: WebResponse,
    why: { readonly to: string; readonly problem?: SignInProblem },
  ): void;
  refused(response: WebResponse, why: Refusal): void;
  /** A page that asks for itself once more, this time as a page of ours. */
  comeAgain(request: WebRequest, response: WebResponse): void;
}

export function createAnswers(
  parts: { readonly sessions: Sessions; readonly formTokens: FormTokens } & Pick<World, "random">,
): Answers {
  const { sessions, formTokens, random } = parts;

  function send(response: WebResponse, status: number, page: string, script: Partial<PagePolicy> = {}): void {
    // With no referrer at all browsers would say of our own forms that they come from nowhere (`Origin: null`).
    response.setHeader("Referrer-Policy", "same-origin");
    response.setHeader("Content-Security-Policy", contentPolicy({ stylesheet: consoleStyle, forms: true, ...script }));
    response.status(status).type("html").send(page);
  }

  function redirect(response: WebResponse, to: string): void {
    response.status(303).setHeader("Location", to).end();
  }

  return {
    redirect,

    shown(response, shown, present) {
      if (shown.kind === "redirect") return redirect(response, shown.to);
      const { status = 200, title, body } = shown;
      const nonce = random(16).toString("base64url");
      const connects = present.from !== undefined;
      send(response, status, renderFrame({ title, body, present, nonce }), { scriptNonce: nonce, connects });
    },

    signIn(request, response, { to, problem }) {
      if (problem !== undefined) response.locals.failure = `sign_in_${problem}`;
      const known = sessions.read(request);
      // The form is never bound to a session of somebody who is signed in, or was.
      const stranger = known !== undefined && known.key === undefined ? known : sessions.begin(request, response);
      const { status, ...words } = signInWords[problem ?? "none"];
      const body = signInBody({ words, token: formTokens.issue(stranger), to });
      send(response, status, renderFrame({ title: "Sign in", body }));
    },

    refused(response, why) {
      const { status, title, text } = refusals[why];
      const { requestId } = response.locals;
      response.locals.failure = why;
      const body = html`<p>${text}</p>
<p><a href="/console">To the first page of the console</a></p>
<p class="quiet">Request <code>${requestId}</code></p>`;
      send(response, status, renderFrame({ title, body }));
    },

    comeAgain(request, response) {
      const { originalUrl } = request;
      response.setHeader("Refresh", `0;url=${originalUrl}`);
      const body = html`<p><a class="action" href="${originalUrl}">Open the console</a></p>`;
      send(response, 200, renderFrame({ title: "One moment", body }));
    },
  };
}
