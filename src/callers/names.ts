import { anonymous } from "../domain/access/caller.ts";
import { ownNames } from "../domain/model/audit-event.ts";
import type { Redact } from "../secret-shapes.ts";

/** What a file of callers can name. */
export interface KnownNames {
  /** Every RPC that is served, as the contract writes it. */
  readonly rpcs: readonly string[];
  /** Every product. */
  readonly products: readonly string[];
  /** Those whose tokens can be narrowed. */
  readonly narrowable: readonly string[];
}

/** Everything a rule can allow: the RPCs, and `Metrics` for reading /metrics. */
export function knownMethods({ rpcs }: KnownNames): readonly string[] {
  return [...rpcs, "Metrics"];
}

/** Who stands in logs and in the record where no caller of the file does. */
const reserved: ReadonlySet<string> = new Set([...ownNames, anonymous.name]);

/** What is wrong with the name of a caller or an issuer; undefined: nothing. */
export function wrongWithName(name: string, redact: Redact): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    return "a name is 1 to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit";
  }
  if (redact(name) !== name) return "this looks like a secret, and names are written everywhere";
  return reserved.has(name.toLowerCase()) ? "this name is the service's own" : undefined;
}
