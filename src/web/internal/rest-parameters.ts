import { invalidField } from "../../errors.ts";

/** A request message in proto JSON; what is not given is absent. */
export type RestRequest = Record<string, RestValue>;
type RestValue = string | number | string[] | Record<string, string>;

/**
 * Reads the parameters of one query: each at most once, and empty ones count as absent, but for those that narrow.
 * Every reader throws ServiceError INVALID_REQUEST for what it cannot read.
 */
export interface Parameters {
  /** `names` are spellings of the same parameter. */
  text(...names: readonly string[]): string | undefined;
  /** A whole number. */
  count(name: string): number | undefined;
  /** The name of an enum value, with or without the prefix, in any case. */
  choice(name: string, values: { readonly prefix: string; readonly names: readonly string[] }): string | undefined;
  /** Comma separated. An empty one is a list of one empty entry, which no rule allows: it must not widen a token. */
  list(name: string): string[] | undefined;
  /** `name:value`, comma separated. */
  map(name: string): Record<string, string> | undefined;
  /** Refuses what nobody has asked for: a misspelt narrowing must not widen a token. */
  refuseOthers(): void;
}

export function createParameters(query: URLSearchParams): Parameters {
  const known = new Set<string>();

  function only(...names: readonly string[]): string | undefined {
    for (const name of names) known.add(name);
    const values = names.flatMap((name) => query.getAll(name));
    if (values.length > 1) throw invalidField(names.join(" or "), "must be given once");
    return values[0];
  }

  function text(...names: readonly string[]): string | undefined {
    return only(...names) || undefined;
  }

  return {
    text,

    count(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!/^\d{1,9}$/.test(value)) throw invalidField(name, "must be a whole number from 0 to 999999999");
      return Number(value);
    },

    choice(name, { prefix, names }) {
      const value = text(name)?.toUpperCase();
      if (value === undefined) return undefined;
      const found = names.find((choice) => value === choice || value === prefix + choice);
      if (found === undefined) throw invalidField(name, `must be one of ${names.join(", ").toLowerCase()}`);
      return prefix + found;
    },

    list: (name) => only(name)?.split(","),

    map(name) {
      const entries = only(name)
        ?.split(",")
        .map((entry) => entry.split(":"));
      if (entries === undefined) return undefined;
      if (entries.some(({ length }) => length !== 2)) throw invalidField(name, "must be name:value, comma separated");
      if (new Set(entries.map(([key]) => key)).size < entries.length) throw invalidField(name, "must name each once");
      return Object.fromEntries(entries);
    },

    refuseOthers() {
      for (const name of query.keys()) {
        if (known.has(name)) continue;
        // What is no name may be anything, a secret too, and is not sent back.
        const field = /^[a-z_]{1,32}$/i.test(name) ? name : "query";
        throw invalidField(field, `must be left out: this route knows ${[...known].join(", ")}`);
      }
    },
  };
}
