import { type Html, html } from "../../html.ts";
import { textIn, timeIn } from "../json-fields.ts";
import { refusedPage } from "../refused.ts";
import type { Shown, Visit } from "../visit.ts";
import { timeOf } from "../words/times.ts";

/** What a link is for. */
interface LinkWords {
  readonly title: string;
  /** What comes of it, for whoever hands it on. */
  readonly about: Html;
  readonly back: Html;
}

/** Makes a link and shows it: for the person here, or for somebody they send it to. */
export async function madeLink(
  { ask, now }: Pick<Visit, "ask" | "now">,
  request: Parameters<Visit["ask"]>[1],
  { title, about, back }: LinkWords,
): Promise<Shown> {
  const answer = await ask("createInstallLink", request);
  if (answer.status !== 200) return refusedPage(answer);
  const url = textIn(answer.body, "url");
  const expireTime = timeIn(answer.body, "expire_time");
  const ends = expireTime === undefined ? undefined : html`, ${timeOf(expireTime, now)} at the latest`;
  return {
    kind: "page",
    title,
    body: html`<p>It works once${ends}. ${about} Send it to the person who is meant, and to nobody else.</p>
<p><a class="action" href="${url}" target="_blank" rel="noopener noreferrer">Open it here</a></p>
<p>Or copy it:</p>
<pre tabindex="0" aria-label="The link"><code>${url}</code></pre>
<p><button type="button" class="other" data-copy hidden>Copy</button></p>
<p>${back}</p>`,
  };
}

/** Of an owner what a link obtains is theirs at once: nobody at the console would complete it. */
export function forOwner(owner: string): Readonly<Record<string, string | true>> {
  return owner === "" ? {} : { owner, complete_in_callback: true };
}
