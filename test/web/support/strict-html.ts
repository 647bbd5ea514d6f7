/** An element as our pages may have one. */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

export interface Document {
  readonly elements: readonly Element[];
  /** All text outside of style, with its entities resolved. */
  readonly text: string;
  readonly style: string;
}

/**
 * Reads a page of ours by a grammar so narrow that a browser cannot read it differently: every byte is a known tag with
 * quoted attributes, a known entity, or text without markup. Anything else is an error.
 */
export function parseStrictHtml(page: string): Document {
  const elements: Element[] = [];
  let text = "";
  let style = "";
  let rest = page.replace(/^<!doctype html>\n/, "");
  if (rest === page) throw new Error("not an HTML document");
  while (rest !== "") {
    const styled = /^<style>([^<]*)<\/style>/.exec(rest);
    const match =
      styled ?? /^<\/?([a-z][a-z0-9]*)((?: [a-z-]+(?:="[^"<>]*")?)*)\/?>/i.exec(rest) ?? /^[^<>]+/.exec(rest);
    if (match === null) throw new Error(`not strict HTML: ${rest.slice(0, 80)}`);
    if (styled !== null) style += styled[1];
    else if (match[1] === undefined) text += resolveEntities(match[0]);
    else if (!match[0].startsWith("</")) elements.push({ name: match[1], attributes: attributesOf(match[2] ?? "") });
    rest = rest.slice(match[0].length);
  }
  return { elements, text, style };
}

function attributesOf(source: string): ReadonlyMap<string, string> {
  return new Map(
    [...source.matchAll(/ ([a-z-]+)(?:="([^"]*)")?/gi)].map(([, name = "", value = ""]) => [
      name,
      resolveEntities(value),
    ]),
  );
}

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

function resolveEntities(source: string): string {
  return source.replace(/&[^;]*;?/g, (entity) => {
    const character = entities[entity];
    if (character === undefined) throw new Error(`an entity of someone else's: ${entity}`);
    return character;
  });
}
