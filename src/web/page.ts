import { baseStyle } from "./base-style.ts";
import { type Document, renderDocument, serviceName } from "./document.ts";
import { type Html, html } from "./html.ts";

/** What a page is about at first sight. */
export type Tone = "asking" | "waiting" | "success" | "failure";

export interface Page extends Pick<Document, "title" | "body" | "script"> {
  readonly tone: Tone;
}

/** One card in the middle: a sign, what happened, and what the person can do next. */
export function renderPage({ tone, title, body, script }: Page): string {
  return renderDocument({
    title,
    stylesheet: cardStyle,
    script,
    body: html`<main class="${tone}">
${signs[tone]}
<h1>${title}</h1>
${body}
</main>
<footer class="quiet">${serviceName}</footer>`,
  });
}

/** The style of these pages. */
export const cardStyle = html`${baseStyle}
body { min-height: 100vh; min-height: 100dvh; display: grid; align-content: center; justify-items: center; gap: 1rem; padding: 1.5rem; }
main { width: 100%; max-width: 32rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-top: 0.25rem solid var(--tone); border-radius: 1rem; overflow-wrap: anywhere; }
svg { display: block; width: 3rem; height: 3rem; margin-bottom: 1rem; color: var(--tone); fill: none; stroke: currentColor;
  stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
ul { margin: 1rem 0; padding: 0; list-style: none; border-top: 1px solid var(--line); }
li { padding: 0.75rem 0; border-bottom: 1px solid var(--line); }
.name { display: block; font-weight: 600; }
p.quiet { margin-top: 1.25rem; }
main > :last-child { margin-bottom: 0; }
a.action, button { margin: 0.75rem 0.5rem 0 0; }
label { margin-top: 1rem; }
input { font-size: 1.4rem; font-variant-numeric: tabular-nums; }
@media (max-width: 30rem) { body { padding: 0.75rem; } main { padding: 1.25rem; }
  a.action, button { display: block; width: 100%; margin-right: 0; } }
`;

const signs: Record<Tone, Html> = {
  asking: signOf(html`<circle cx="8.5" cy="12" r="2.5"/><path d="M11 12h6.5M15 12v2.5"/>`),
  waiting: signOf(html`<path d="M12 6.5V12l3.5 2"/>`),
  success: signOf(html`<path d="M7.5 12.5l3 3 6-6.5"/>`),
  failure: signOf(html`<path d="M12 7v6M12 16.5v.1"/>`),
};

/** Says nothing that the heading does not say. */
function signOf(shape: Html): Html {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/>${shape}</svg>`;
}
