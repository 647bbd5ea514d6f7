import { createHash } from "node:crypto";
import { type Html, html } from "./html.ts";

/** What a page is about at first sight. */
export type Tone = "success" | "waiting" | "failure";

export interface Page {
  readonly tone: Tone;
  readonly title: string;
  readonly body: Html;
}

/** A whole document without scripts, pictures or anything else that has to be fetched. */
export function renderPage({ tone, title, body }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${stylesheet}</style>
</head>
<body>
<main class="${tone}">
${signs[tone]}
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.toString();
}

const stylesheet = html`
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #ffffff; --text: #1c2430; --quiet: #566070; --line: #dde1e7;
  --action: #1f5fd1; --on-action: #ffffff; --success: #1a7f43; --waiting: #8a5a00; --failure: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161c; --card: #1b212a; --text: #e8ebf0; --quiet: #a4aebd;
  --line: #313a47; --action: #8ab4ff; --on-action: #0d1b33; --success: #5bd08a; --waiting: #f0b94a; --failure: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
  color: var(--text); font: 1rem/1.55 system-ui, sans-serif; }
main { width: 100%; max-width: 32rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 1rem; overflow-wrap: anywhere; }
svg { display: block; width: 3rem; height: 3rem; fill: none; stroke: currentColor; stroke-width: 2;
  stroke-linecap: round; stroke-linejoin: round; }
.success svg { color: var(--success); }
.waiting svg { color: var(--waiting); }
.failure svg { color: var(--failure); }
h1 { margin: 1rem 0 0.5rem; font-size: 1.4rem; line-height: 1.3; }
p { margin: 0.5rem 0; }
ul { margin: 1rem 0; padding: 0; list-style: none; border-top: 1px solid var(--line); }
li { padding: 0.75rem 0; border-bottom: 1px solid var(--line); }
.name { display: block; font-weight: 600; }
.quiet { color: var(--quiet); font-size: 0.875rem; }
p.quiet { margin-top: 1.25rem; }
main > :last-child { margin-bottom: 0; }
a.action, button { display: inline-block; margin: 0.75rem 0.5rem 0 0; padding: 0.6rem 1.1rem; border: 1px solid var(--action);
  border-radius: 0.6rem; background: var(--action); color: var(--on-action); font: inherit; font-weight: 600;
  text-align: left; text-decoration: none; cursor: pointer; }
button.other { background: var(--card); color: var(--text); border-color: var(--quiet); }
a.action:hover, button:hover { text-decoration: underline; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { width: 100%; margin-top: 0.35rem; padding: 0.6rem 0.75rem; border: 1px solid var(--quiet); border-radius: 0.6rem;
  background: var(--card); color: var(--text); font: inherit; font-size: 1.4rem; font-variant-numeric: tabular-nums; }
a:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid var(--action); outline-offset: 3px; }
`;

/** The only style a page may have, as a source of `style-src` (Content Security Policy Level 3, section 2.3.1). */
export const styleSource = `'sha256-${createHash("sha256").update(stylesheet.toString()).digest("base64")}'`;

const signs: Record<Tone, Html> = {
  success: html`<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="M7.5 12.5l3 3 6-6.5"/></svg>`,
  waiting: html`<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="M12 6.5V12l3.5 2"/></svg>`,
  failure: html`<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="M12 7v6M12 16.5v.1"/></svg>`,
};
