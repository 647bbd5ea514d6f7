import { isAlias, isNode, LineCounter, parseDocument, visit } from "yaml";
import type { FileProblem } from "./file-problems.ts";

const wordsOf: Readonly<Record<string, Pick<FileProblem, "wrong" | "fix">>> = {
  DUPLICATE_KEY: { wrong: "this key stands twice in one mapping", fix: "keep one of them" },
  MULTIPLE_DOCS: { wrong: "this is a second document", fix: "write one document without ---" },
  TAG_RESOLVE_FAILED: { wrong: "a tag (!…) is not understood here", fix: "write plain values" },
  TAB_AS_INDENT: { wrong: "a tab indents this line", fix: "indent with blanks" },
};

/**
 * Reads YAML 1.2 in which everything means what it says: no anchors, aliases, merge keys, tags or directives, and no
 * key twice. Mappings become Maps. Messages name lines and never repeat what stands there.
 */
export function readYaml(text: string): { readonly value: unknown } | { readonly problems: readonly FileProblem[] } {
  const lines = new LineCounter();
  const problems: FileProblem[] = [];
  const at = (offset: number) => `line ${lines.linePos(offset).line}`;
  try {
    const document = parseDocument(text, {
      version: "1.2",
      schema: "core",
      merge: false,
      resolveKnownTags: false,
      stringKeys: true,
      uniqueKeys: true,
      prettyErrors: false,
      lineCounter: lines,
    });
    for (const { code, pos } of [...document.errors, ...document.warnings]) {
      const words = wordsOf[code] ?? { wrong: `this is not YAML (${code})`, fix: "correct it" };
      problems.push({ path: at(pos[0]), ...words });
    }
    const { directives } = document;
    if (directives?.yaml.explicit === true || Object.keys(directives?.tags ?? {}).some((handle) => handle !== "!!")) {
      problems.push({ path: "line 1", wrong: "a % directive changes what YAML means", fix: "remove it" });
    }
    visit(document, (_key, node) => {
      if (!isNode(node)) return;
      const path = at(node.range?.[0] ?? 0);
      if (isAlias(node)) problems.push({ path, wrong: "aliases (*name) are not read", fix: "write the value out" });
      else if (node.anchor !== undefined)
        problems.push({ path, wrong: "anchors (&name) are not read", fix: "remove it" });
      if (!isAlias(node) && node.tag !== undefined) {
        problems.push({ path, wrong: "tags (!…) are not read", fix: "write plain values" });
      }
    });
    return problems.length > 0 ? { problems } : { value: document.toJS({ mapAsMap: true, maxAliasCount: 0 }) };
  } catch {
    // Nested too deeply to be read.
    return { problems: [...problems, { path: "the file", wrong: "this is not YAML", fix: "correct it" }] };
  }
}
