import { withoutShapeless } from "../shown-text.ts";

/** A JSON object whose fields are not known yet. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** The value as an object; undefined for anything else, arrays and null included. */
export function asRecord(value: unknown): JsonRecord | undefined {
  return isRecord(value) ? value : undefined;
}

/** The object at `key`; undefined if there is none. */
export function recordAt(value: unknown, key: string): JsonRecord | undefined {
  return asRecord(field(value, key));
}

/** The array at `key`; undefined if there is none. */
export function arrayAt(value: unknown, key: string): readonly unknown[] | undefined {
  const found = field(value, key);
  return Array.isArray(found) ? found : undefined;
}

/** The longest tokens and lists of scopes have a few thousand characters. */
const longestText = 16 * 1024;
/** What callers can name (the rules of the contract). */
const longestId = 256;
const longestName = 200;

/**
 * The string at `key`, without control and direction characters and halves of characters: a database cannot keep some of
 * them, and a person cannot see any. One that is empty then, or endless, says as little as a missing one.
 */
export function stringAt(value: unknown, key: string): string | undefined {
  return text(field(value, key));
}

/** The strings in the array at `key`, each as `stringAt` reads it; empty if there is none. */
export function textsAt(value: unknown, key: string): readonly string[] {
  return (arrayAt(value, key) ?? []).map(text).filter((found) => found !== undefined);
}

/** A name for people: in one line, and not longer than one is. */
export function nameAt(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  if (typeof found !== "string") return undefined;
  const name = withoutShapeless(found, " ").replace(/\s+/g, " ").trim();
  const cut = [...name.slice(0, 2 * longestName)].slice(0, longestName).join("");
  return (cut === name ? name : `${cut}…`) || undefined;
}

/** The finite number at `key`, also where a server spells it as a decimal string. */
export function numberAt(value: unknown, key: string): number | undefined {
  const found = field(value, key);
  const number = typeof found === "string" && /^-?\d+(\.\d+)?$/.test(found) ? Number(found) : found;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** The boolean at `key`; a string or number is not one. */
export function booleanAt(value: unknown, key: string): boolean | undefined {
  const found = field(value, key);
  return typeof found === "boolean" ? found : undefined;
}

/**
 * The identifier at `key` as text: an integer in decimal digits, or a string of at most 256 characters. One that would
 * have to be changed to be kept is none: it could become that of somebody else.
 */
export function idAt(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  if (typeof found === "number" && Number.isSafeInteger(found)) return String(found);
  return typeof found === "string" && found.length <= longestId && text(found) === found ? found : undefined;
}

/** The object at `key` with its string values only, under keys that are good ids; empty if there is none. */
export function stringsAt(value: unknown, key: string): Readonly<Record<string, string>> {
  const entries = Object.entries(recordAt(value, key) ?? {}).map(([name, found]) => [name, text(found)] as const);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined && text(entry[0]) === entry[0]),
  );
}

function text(found: unknown): string | undefined {
  if (typeof found !== "string" || found.length > longestText) return undefined;
  return withoutShapeless(found) || undefined;
}

function field(value: unknown, key: string): unknown {
  const record = asRecord(value);
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
