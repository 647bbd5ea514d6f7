import { invalidField } from "../errors.ts";

/** A request message in proto JSON; what is not given is absent. */
export type RestRequest = Record<string, string | number>;

/** Reads the one value of a parameter; `names` are spellings of the same one. Undefined if absent or empty. */
export function readText(query: URLSearchParams, ...names: readonly string[]): string | undefined {
  const values = names.flatMap((name) => query.getAll(name));
  if (values.length > 1) throw invalidField(names.join(" or "), "must be given once");
  return values[0] || undefined;
}

/** Reads a whole number. @throws ServiceError INVALID_REQUEST for anything else. */
export function readCount(query: URLSearchParams, name: string): number | undefined {
  const text = readText(query, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw invalidField(name, "must be a whole number from 0 to 999999999");
  return Number(text);
}

/** Reads an enum value by its name with or without the prefix, in any case. @throws ServiceError INVALID_REQUEST. */
export function readEnum(
  query: URLSearchParams,
  name: string,
  values: { readonly prefix: string; readonly names: readonly string[] },
): string | undefined {
  const text = readText(query, name)?.toUpperCase();
  if (text === undefined) return undefined;
  const found = values.names.find((value) => text === value || text === values.prefix + value);
  if (found === undefined) throw invalidField(name, `must be one of ${values.names.join(", ").toLowerCase()}`);
  return values.prefix + found;
}
