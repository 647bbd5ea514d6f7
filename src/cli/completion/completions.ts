import type { Entry } from "../entry.ts";

/** Something that may stand next. */
export interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** What may stand behind the words of a command, or of the beginning of one; the longest words first. */
export type Completions = readonly {
  readonly words: readonly string[];
  readonly next: readonly Candidate[];
  readonly options: readonly (Candidate & { readonly takesValue: boolean })[];
}[];

const everywhere = [
  { word: "--json", about: "the result as one JSON document", takesValue: false },
  { word: "--help", about: "prints its help", takesValue: false },
];

export function completionsOf(entries: readonly Entry[]): Completions {
  const beginnings = new Map<string, readonly string[]>();
  for (const { words } of entries) {
    for (let length = 0; length <= words.length; length++) {
      const beginning = words.slice(0, length);
      beginnings.set(beginning.join(" "), beginning);
    }
  }
  return [...beginnings.values()]
    .map((words) => ({ words, next: nextOf(words, entries), options: optionsOf(words, entries) }))
    .toSorted((a, b) => b.words.length - a.words.length);
}

function nextOf(words: readonly string[], entries: readonly Entry[]): readonly Candidate[] {
  const further = entries.filter((entry) => entry.words.length > words.length && begins(words, entry));
  const abouts = new Map<string, string>();
  for (const entry of further) {
    const word = entry.words[words.length] ?? "";
    const about = entry.words.length === words.length + 1 ? entry.summary : `${word} …`;
    if (!abouts.has(word) || entry.words.length === words.length + 1) abouts.set(word, about);
  }
  return [...abouts].map(([word, about]) => ({ word, about }));
}

function optionsOf(words: readonly string[], entries: readonly Entry[]) {
  const entry = entries.find((one) => one.words.length === words.length && begins(words, one));
  if (entry === undefined) return everywhere;
  const own = Object.entries(entry.options).map(([name, { value, about }]) => {
    return { word: `--${name}`, about, takesValue: value !== undefined };
  });
  return [...own, ...everywhere];
}

function begins(words: readonly string[], entry: Entry): boolean {
  return words.every((word, index) => entry.words[index] === word);
}
