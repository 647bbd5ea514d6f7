import { baseStyle } from "../base-style.ts";
import { html } from "../html.ts";

/** The style of all pages of the console. */
export const consoleStyle = html`${baseStyle}
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 0.5rem; padding: 0.5rem 1rem; background: var(--card); z-index: 1; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1.5rem; padding: 0.75rem 1.5rem; background: var(--card);
  border-bottom: 1px solid var(--line); }
.bar b { white-space: nowrap; }
.bar nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; flex: 1 1 22rem; }
.bar nav a { padding: 0.5rem 0; }
.bar nav a[aria-current] { color: var(--text); font-weight: 600; text-decoration: none; border-bottom: 3px solid var(--action); }
.bar form { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.75rem; }
.bar button { padding: 0.3rem 0.8rem; }
main { max-width: 80rem; margin: 0 auto; padding: 1.5rem; }
main.narrow { max-width: 36rem; }
h1 { margin-bottom: 0.75rem; }
.filters { display: flex; flex-wrap: wrap; align-items: end; gap: 0.75rem; margin: 1rem 0; }
.filters > div { flex: 1 1 10rem; }
.filters > div.wide { flex-basis: 18rem; }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); }
th, td { padding: 0.6rem 0.75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-size: 0.875rem; color: var(--quiet); font-weight: 600; }
td .quiet, th .quiet { display: block; }
.mark { display: inline-block; padding: 0.05rem 0.5rem; border: 1px solid var(--tone, var(--line)); border-radius: 1rem;
  color: var(--tone, var(--text)); font-size: 0.875rem; font-weight: 600; white-space: nowrap; }
.note { margin: 1rem 0; padding: 0.75rem 1rem; background: var(--card); border: 1px solid var(--line);
  border-left: 0.25rem solid var(--tone, var(--action)); border-radius: 0.5rem; }
dl { margin: 0; padding: 0 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; }
dl > div { display: grid; grid-template-columns: minmax(10rem, 1fr) 3fr; gap: 0.25rem 1rem; padding: 0.5rem 0;
  border-bottom: 1px solid var(--line); }
dl > div:last-child { border-bottom: 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
.deeds form, .deeds p { margin: 0.5rem 0; }
button.danger { background: var(--failure); border-color: var(--failure); color: var(--card); }
#state:empty, #told:empty { display: none; }
@media (prefers-reduced-motion: no-preference) { .changed { animation: changed 3s; } }
@keyframes changed { from { background: color-mix(in srgb, var(--action) 25%, transparent); } }
.pages { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; }
pre { white-space: pre-wrap; padding: 0.75rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; }
main form > button, main form > p > button { margin-top: 1rem; }
main label { margin-top: 1rem; }
.filters label { margin-top: 0; }
@media (max-width: 50rem) {
  .bar, main { padding-left: 1rem; padding-right: 1rem; }
  table, tbody, tr, td, th[scope="row"] { display: block; }
  thead { position: absolute; left: -100vw; max-width: 100vw; clip-path: inset(50%); }
  tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  td, th[scope="row"] { border: 0; padding: 0.25rem 0.75rem; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--quiet); }
  td .quiet { display: inline; }
  dl > div { grid-template-columns: 1fr; }
}
`;
