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

/** The non-empty string at `key`; an empty one says as little as a missing one. */
export function stringAt(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  return typeof found === "string" && found !== "" ? found : undefined;
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

/** The identifier at `key` as text: a non-empty string, or an integer in decimal digits. */
export function idAt(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  return typeof found === "number" && Number.isSafeInteger(found) ? String(found) : stringAt(value, key);
}

/** The object at `key` with its string values only; empty if there is none. */
export function stringsAt(value: unknown, key: string): Readonly<Record<string, string>> {
  const entries = Object.entries(recordAt(value, key) ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function field(value: unknown, key: string): unknown {
  const record = asRecord(value);
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
