import { networkOf } from "../../../domain/access/network.ts";
import type { AskedLink } from "../../../domain/links/answer-link.ts";
import type { Secret } from "../../../secret.ts";
import { type Html, html } from "../../html.ts";
import { renderPage } from "../../page.ts";
import type { CodeProblem } from "./code-problems.ts";
import { shownCode } from "./shown-code.ts";

/** Where the forms of a page go, and what binds them to the browser that is shown it. */
export interface PageForm {
  readonly action: string;
  readonly token: Secret;
  /** As it was typed, or stood in the address. */
  readonly typed: string;
  /** What an address that has the code carries beside it. */
  readonly proof: string | undefined;
}

/** The page where a person types the code that a program shows, or looks whether it is the one in the address. */
export function codePage(form: PageForm, problem?: Pick<CodeProblem, "title" | "whatThePersonCanDo">): string {
  const { action, token, typed } = form;
  const isGiven = typed !== "" && problem === undefined;
  return renderPage({
    tone: problem === undefined ? "asking" : "failure",
    title: problem?.title ?? "Connect a program",
    body: html`<p id="about">${problem?.whatThePersonCanDo ?? introduction(isGiven)}</p>
<form method="post" action="${action}">
<input type="hidden" name="token" value="${token.reveal()}">
${proofField(form)}<label for="code">Code</label>
<input id="code" name="code" value="${shownCode(typed)}" inputmode="numeric" autocomplete="off" spellcheck="false" required aria-describedby="about"${problem && html` aria-invalid="true"`}>
<button type="submit">Continue</button>
</form>
<p class="quiet">Only go on with a code from a program that you started yourself, just now. Nobody who helps you needs you to type one.</p>`,
  });
}

function introduction(isGiven: boolean): string {
  return isGiven
    ? "Does your program show this code? Then continue, to see what it asks for."
    : "Type the code that your program shows, to see what it asks for.";
}

/** The page where a person sees who asks, from where, for what, and says whether it was them. */
export function askPage(
  form: PageForm,
  asked: {
    readonly link: AskedLink;
    readonly label: string;
    /** Where the person is; undefined: nobody can tell. */
    readonly here: string | undefined;
    readonly now: Date;
  },
): string {
  const { action, token, typed } = form;
  const { link, label, here, now } = asked;
  return renderPage({
    tone: "asking",
    title: `Did you start this, to use ${label}?`,
    body: html`<p>A program asks for access to ${label}. This is what is known of it:</p>
<ul>${[
      fact("The code it shows", shownCode(typed)),
      link.clientName && fact("It calls itself (nobody has checked that)", link.clientName),
      fact("Asked for by", callerOf(link)),
      link.owner && fact("On behalf of", link.owner),
      fact("Asked from", link.fromAddress ?? "an unknown address", networkRemark(link.fromAddress, here)),
      fact("Started", clockTime(link.startedAt), agoOf(link.startedAt, now)),
    ]}</ul>
<p>If you say yes, ${label} asks you next what it may do there, or goes on at once where you allowed that before. What you approve there, the program can do in your name, until you or it take that back.</p>
<p>If you did not start it, or somebody sent you the code or this address, say no: nothing has happened.</p>
<form method="post" action="${action}">
<input type="hidden" name="token" value="${token.reveal()}">
<input type="hidden" name="code" value="${typed}">
${proofField(form)}<button type="submit" name="decision" value="approve">Yes, continue to ${label}</button>
<button type="submit" name="decision" value="deny" class="other">No, refuse it</button>
</form>`,
  });
}

/**
 * The page after "yes". The browser goes on by itself, by a header; it is no redirect, since browsers hold every hop
 * after a form to `form-action`, and nobody knows where a platform leads on to.
 */
export function onwardPage(redirectTo: URL): string {
  return renderPage({
    tone: "waiting",
    title: "One moment",
    body: html`<p>You are being sent to ${redirectTo.host}, which asks you what the program may do there.</p>
<a class="action" href="${redirectTo.href}" rel="noreferrer">Continue to ${redirectTo.host}</a>`,
  });
}

/** The page after "no". */
export function deniedPage(): string {
  return renderPage({
    tone: "success",
    title: "Refused, as you said",
    body: html`<p>Nothing was connected, and the program is told so. You can close this page.</p>
<p>If you wanted to connect it after all, start again in the program: it gives you a new code.</p>`,
  });
}

function proofField({ proof }: PageForm): Html | undefined {
  return proof === undefined
    ? undefined
    : html`<input type="hidden" name="proof" value="${proof}">
`;
}

function fact(about: string, value: string, remark?: string): Html {
  return html`<li><span class="quiet">${about}</span><bdi class="name">${value}</bdi>
${remark && html`<span class="quiet">${remark}</span>`}</li>`;
}

/** Where callers are not told apart anybody can have asked. */
function callerOf({ caller }: AskedLink): string {
  return caller === "anonymous" ? "somebody who did not have to say who they are" : caller;
}

function networkRemark(from: string | undefined, here: string | undefined): string | undefined {
  if (from === undefined || here === undefined) return undefined;
  return networkOf(from) === networkOf(here)
    ? "the address that you have, too"
    : "not the address that you have: right only if the program runs on another machine";
}

/** Without a script nobody knows the person's time zone. */
function clockTime(at: Date): string {
  return `${at.toISOString().slice(11, 16)} UTC`;
}

function agoOf(at: Date, now: Date): string {
  const minutes = Math.floor((now.getTime() - at.getTime()) / 60_000);
  if (minutes < 1) return "less than a minute ago";
  return minutes === 1 ? "one minute ago" : `${minutes} minutes ago`;
}
