import { escapeHtml } from "../http/escape-html.ts";
import type { Connected } from "./service-calls.ts";

/** A platform that the product offers to connect. */
export interface Offer {
  readonly platform: string;
  readonly label: string;
}

/** The product's one page. Its buttons are forms, so that they work without the script too. */
export function productPage(shown: {
  readonly person: string;
  readonly offers: readonly Offer[];
  readonly connected: readonly Connected[];
  /** Where the service's popup helper is. */
  readonly helper: string;
  readonly console: string;
  /** What came of what the person did last. */
  readonly note?: string | undefined;
}): string {
  const { person, offers, connected, helper, console, note } = shown;
  const rows = offers.map((offer) => {
    const names = connected.flatMap(({ platform, name }) => (platform === offer.platform ? [name] : []));
    return row(offer, names);
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Planner, a product of the demo</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/product.css">
<script type="module" src="/product.js"></script>
</head>
<body>
<main data-helper="${escapeHtml(helper)}">
<header><p class="brand">Planner</p><p class="who">signed in as <strong>${escapeHtml(person)}</strong></p></header>
<h1>Connect your tools</h1>
<p>Planner is a made-up product. Its buttons open the sandbox's platforms in a window, and its backend asks the token service for what you approve there.</p>
<p class="note" role="status">${escapeHtml(note ?? "")}</p>
<ul>${rows.join("\n")}</ul>
<p class="next">What the operator sees of this: <a href="${escapeHtml(console)}">the console</a>.</p>
</main>
</body>
</html>
`;
}

function row({ platform, label }: Offer, names: readonly string[]): string {
  const [name, title] = [escapeHtml(platform), escapeHtml(label)];
  const state = names.length === 0 ? "Not connected" : `Connected: ${names.join(", ")}`;
  return `<li>
<form method="post" action="/connect/${name}" data-label="${title}">
<h2>${title}</h2><p class="state" role="status">${escapeHtml(state)}</p>
<button aria-label="Connect ${title}${names.length === 0 ? "" : " again"}">${names.length === 0 ? "Connect" : "Connect again"}</button>
</form>
${names.length === 0 ? "" : `<form method="post" action="/use/${name}"><button class="other" aria-label="Use ${title}">Use it</button></form>`}
</li>`;
}

/** What the page looks like; served by itself, so that the page's policy can name where it comes from. */
export const productStyle = `:root { color-scheme: light dark; --ground: #f7f5f0; --card: #fff; --text: #23211c; --quiet: #625d52; --line: #e2ddd1;
  --action: #6b3fa0; --on-action: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #17151b; --card: #211e27; --text: #ece9f1; --quiet: #aaa4b5;
  --line: #3a3543; --action: #c9a8f5; --on-action: #25153b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
header p { margin: 0; }
.brand { font-weight: 700; color: var(--action); }
h1 { margin: 1.5rem 0 0.5rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 0; font-size: 1.05rem; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(18rem, 100%), 1fr)); gap: 0.75rem; margin: 1rem 0; padding: 0; list-style: none; }
li { padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; }
form + form { margin-top: 0.5rem; }
.state, .who, .next { color: var(--quiet); font-size: 0.9rem; }
.state { min-height: 2.7rem; margin: 0.25rem 0 0.75rem; }
.note:empty { display: none; }
.note { padding: 0.75rem 1rem; background: var(--card); border: 1px solid var(--line); border-left: 0.25rem solid var(--action); border-radius: 0.5rem; }
button { min-height: 2.75rem; padding: 0.5rem 1rem; border: 1px solid var(--action); border-radius: 0.5rem; background: var(--action);
  color: var(--on-action); font: inherit; font-weight: 600; cursor: pointer; }
button.other { background: transparent; color: var(--action); }
button[disabled] { opacity: 0.6; cursor: default; }
a { color: var(--action); }
a:focus-visible, button:focus-visible { outline: 3px solid var(--action); outline-offset: 3px; }
`;
