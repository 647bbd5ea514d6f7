import { withoutShapeless } from "../shown-text.ts";

/** Markup that is safe to send: made only by `html`, which escapes what it is given. */
export class Html {
  readonly #markup: string;

  constructor(parts: readonly string[], values: readonly HtmlValue[]) {
    this.#markup = parts.reduce((text, part, index) => text + render(values[index - 1]) + part);
  }

  toString(): string {
    return this.#markup;
  }
}

/** Text is escaped, markup is kept, lists are joined, undefined is nothing. */
export type HtmlValue = string | number | Html | readonly HtmlValue[] | undefined;

/** Template tag for markup. Values may stand in text and in double-quoted attributes. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts, values);
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function render(value: HtmlValue): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "string" || typeof value === "number") return escapeHtml(String(value));
  return value.map(render).join("");
}

/** What no person sees is left out: it could turn a line around, and make a page say something else. */
function escapeHtml(text: string): string {
  return withoutShapeless(text, " ").replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
