import { html } from "../../html.ts";
import type { Shown } from "../visit.ts";
import { timeOf } from "../words/times.ts";

/** A link that was made: for the person here, or for somebody they send it to. */
export function linkPage(link: {
  readonly url: string;
  readonly expireTime: Date | undefined;
  readonly platform: string;
  /** Empty: nobody's. */
  readonly owner: string;
  readonly now: Date;
}): Shown {
  const { url, expireTime, platform, owner, now } = link;
  const ends = expireTime === undefined ? undefined : html`, ${timeOf(expireTime, now)} at the latest`;
  const whose = owner === "" ? "nobody in particular" : html`<b><bdi>${owner}</bdi></b>`;
  return {
    kind: "page",
    title: `A link to connect ${platform}`,
    body: html`<p>It works once${ends}. What is connected with it belongs to ${whose}, whoever connects it: send it to the person who is meant, and to nobody else.</p>
<p><a class="action" href="${url}" target="_blank" rel="noopener noreferrer">Open it here</a></p>
<label for="link">Or copy it</label>
<input id="link" value="${url}" readonly autocomplete="off" spellcheck="false">
<p><a href="/console">The list shows it once it is connected</a></p>`,
  };
}
