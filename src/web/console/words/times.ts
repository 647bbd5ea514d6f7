import { type Html, html } from "../../html.ts";

const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

const relative = new Intl.RelativeTimeFormat("en");

/** "3 minutes ago", "in 2 hours", in the largest unit of which there is one. */
export function fromNow(at: Date, now: Date): string {
  const seconds = Math.trunc((at.getTime() - now.getTime()) / 1000);
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units[3];
  return Math.abs(seconds) < 1 ? "now" : relative.format(Math.trunc(seconds / length), unit);
}

/** The same as markup, with the exact time for whoever asks for it. Without a script nobody knows the time zone. */
export function timeOf(at: Date, now: Date): Html {
  const exact = at.toISOString();
  return html`<time datetime="${exact}" title="${exact.slice(0, 19).replace("T", " ")} UTC">${fromNow(at, now)}</time>`;
}
