import { html } from "./html.ts";

/**
 * What every page looks like, by day and by night: colours, text, and what a person presses or fills in. Layouts put
 * theirs after it. All colours are stated: what is left to the browser is white by day and black by night.
 */
export const baseStyle = html`
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #ffffff; --text: #1c2430; --quiet: #566070; --line: #dde1e7;
  --action: #1f5fd1; --on-action: #ffffff; --success: #1a7f43; --waiting: #8a5a00; --failure: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161c; --card: #1b212a; --text: #e8ebf0; --quiet: #a4aebd;
  --line: #313a47; --action: #8ab4ff; --on-action: #0d1b33; --success: #5bd08a; --waiting: #f0b94a; --failure: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.55 system-ui, sans-serif;
  overflow-wrap: break-word; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
h1, h2 { line-height: 1.3; text-wrap: balance; }
h1 { margin: 0; font-size: 1.4rem; }
h2 { margin: 1.5rem 0 0.5rem; font-size: 1.1rem; }
p { margin: 0.5rem 0; }
a { color: var(--action); text-underline-offset: 0.15em; }
code { font: 0.9em/1.4 ui-monospace, monospace; }
.quiet { color: var(--quiet); font-size: 0.875rem; }
.asking { --tone: var(--action); }
.success { --tone: var(--success); }
.waiting { --tone: var(--waiting); }
.failure { --tone: var(--failure); }
a.action, button { display: inline-block; min-height: 2.75rem; padding: 0.55rem 1.1rem; border: 1px solid var(--action);
  border-radius: 0.6rem; background: var(--action); color: var(--on-action); font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; cursor: pointer; }
a.other, button.other { background: var(--card); color: var(--text); border-color: var(--quiet); }
a.action:hover, button:hover { text-decoration: underline; }
label { display: block; font-weight: 600; }
input, select { width: 100%; min-height: 2.75rem; margin-top: 0.35rem; padding: 0.5rem 0.75rem; border: 1px solid var(--quiet);
  border-radius: 0.6rem; background: var(--card); color: var(--text); font: inherit; }
input[aria-invalid] { border: 2px solid var(--failure); }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible, summary:focus-visible {
  outline: 3px solid var(--action); outline-offset: 3px; }
`;
