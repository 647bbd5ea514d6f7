/** A row as JSON, whatever types its columns have. */
export type JsonRow = Readonly<Record<string, unknown>>;

/** The text of a column; what is empty says nothing. Numbers are ids that were kept as such. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") return undefined;
  const text = unbytes(value).trim();
  return text === "" || text === "None" || text === "null" ? undefined : text;
}

/** What Python leaves of bytes: a `bytea`, or their `repr` in a text. */
function unbytes(text: string): string {
  if (/^\\x([\da-f]{2})*$/i.test(text)) return Buffer.from(text.slice(2), "hex").toString("utf8");
  return /^b(['"])(.*)\1$/s.exec(text)?.[2] ?? text;
}

/** A word of an enumeration: SQLAlchemy keeps the names of some, and Python prints the class with others. */
export function wordOf(value: unknown): string | undefined {
  return textOf(value)?.split(".").at(-1)?.toLowerCase();
}

/**
 * An instant. Times without a zone are UTC: earlier services wrote `utcnow()`. Numbers are seconds since 1970.
 * Undefined for what is none.
 */
export function instantOf(value: unknown): Date | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const seconds = /^\d{9,10}(\.\d+)?$/.test(text) ? Number(text) : undefined;
  const zoned = /(Z|[+-]\d{2}(:?\d{2})?)$/i.test(text.replace(/^\d{4}-\d{2}-\d{2}/, "")) ? text : `${text}Z`;
  const at = new Date(
    seconds === undefined ? zoned.replace(" ", "T").replace(/([+-]\d{2})$/, "$1:00") : seconds * 1000,
  );
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** A list: an array, JSON, a Postgres array in a text, or words with commas or blanks between them. */
export function listOf(value: unknown): readonly string[] {
  const json = jsonOf(value);
  const parts = Array.isArray(json)
    ? json
    : (textOf(json)
        ?.replace(/^\{(.*)\}$/s, "$1")
        .split(",") ?? []);
  // A list whose only word is a whole list is one that nobody took apart.
  const words = parts.flatMap(
    (part) =>
      textOf(part)
        ?.replace(/^"(.*)"$/, "$1")
        .split(/[\s,]+/) ?? [],
  );
  return [...new Set(words.filter((word) => word !== ""))];
}

/** The words of an object, as JSON or as text that holds it. What else is in it is left out. */
export function wordsOf(value: unknown): Readonly<Record<string, string>> {
  const json = jsonOf(value);
  if (typeof json !== "object" || json === null || Array.isArray(json)) return {};
  const words = Object.entries(json).map(([name, one]) => [name, textOf(one)] as const);
  return Object.fromEntries(words.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** JSON that stands in a text, also as a text of JSON. */
function jsonOf(value: unknown, depth = 2): unknown {
  if (typeof value !== "string" || depth === 0) return value;
  if (!/^\s*[[{"]/.test(value)) return value;
  try {
    return jsonOf(JSON.parse(value), depth - 1);
  } catch {
    return value;
  }
}
