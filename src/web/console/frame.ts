import type { Caller } from "../../domain/access/caller.ts";
import type { Secret } from "../../secret.ts";
import { renderDocument } from "../document.ts";
import { type Html, html } from "../html.ts";
import { formOf } from "./form-of.ts";
import { liveScript } from "./live/live-script.ts";
import { may } from "./rights.ts";
import { consoleStyle } from "./style.ts";

/** The parts that a person goes to by name, each for whoever may call one of its methods. */
const parts = [
  { path: "/console", name: "Connections", methods: ["ListInstallations"] },
  { path: "/console/concerns", name: "Needs a person", methods: ["ListInstallations"] },
  { path: "/console/connect", name: "Connect", methods: ["CreateInstallLink"] },
  { path: "/console/platforms", name: "Platforms", methods: ["ListInstallations", "CreateInstallLink"] },
] as const;

/** Who is here. */
export interface Present {
  readonly caller: Caller;
  readonly formToken: Secret;
  /** Whether there is a session to end. */
  readonly signsOut: boolean;
  /** The path of the page, without its query. */
  readonly path: string;
  /** From where on changes are shown while the page is looked at; undefined: they are not. */
  readonly from?: string | undefined;
}

/** A whole page of the console; `present` undefined: for whoever has not signed in, and without its script. */
export function renderFrame(page: {
  readonly title: string;
  readonly body: Html;
  readonly present?: Present;
  readonly nonce?: string;
}): string {
  const { title, body, present, nonce } = page;
  return renderDocument({
    title: `${title} - Console`,
    stylesheet: consoleStyle,
    body: html`<a class="skip" href="#main">To the content</a>
<header class="bar"><b>Token Service Console</b>${present === undefined ? undefined : navigation(present)}</header>
<main id="main"${present === undefined ? html` class="narrow"` : undefined}${present?.from === undefined ? undefined : html` data-from="${present.from}"`}>
<h1>${title}</h1>
${nonce === undefined ? undefined : html`<p class="quiet"><span id="state"></span> <span id="told" role="status"></span></p>`}
${body}
</main>`,
    script: nonce === undefined ? undefined : { nonce, source: liveScript },
  });
}

function navigation({ caller, formToken, signsOut, path }: Present): Html {
  const open = parts.filter(({ methods }) => methods.some((method) => may(caller, method)));
  return html`
<nav aria-label="Parts of the console">${open.map((part) => link(part, path === part.path))}</nav>
${signsOut ? formOf("/console/sign-out", formToken, signOut(caller)) : undefined}`;
}

function link({ path, name }: (typeof parts)[number], isHere: boolean): Html {
  return html`<a href="${path}"${isHere ? html` aria-current="page"` : undefined}>${name}</a>`;
}

function signOut({ name }: Caller): Html {
  return html`<span class="quiet">Signed in as <bdi>${name}</bdi></span>
<button type="submit" class="other">Sign out</button>`;
}
