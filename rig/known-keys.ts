import { parseDocument, visit } from "yaml";

/** Every key that the contract's section 6 has, beside names of issuers, platforms and permissions. */
const known = new Set([
  "version",
  "issuers",
  "callers",
  "kind",
  "issuer",
  "audience",
  "jwks_uri",
  "algorithms",
  "max_age",
  "name",
  "match",
  "allow",
  "subject",
  "mtls_san",
  "api_key",
  "expires",
  "methods",
  "platforms",
  "owners",
  "all_owners",
  "permissions",
  "rate",
  "per_second",
  "burst",
  "return_origins",
  "complete_in_callback",
]);

/** Keys that mean nothing here, found by reading the file a second time. @throws Error that names one. */
export function expectOnlyKnownKeys(file: string): void {
  visit(parseDocument(file), {
    Pair(_, pair, path) {
      const parent = path.findLast((node) => "key" in node) as { key?: { value?: unknown } } | undefined;
      const free = ["issuers", "permissions", "github"].includes(String(parent?.key?.value));
      const key = String((pair.key as { value?: unknown } | null)?.value);
      if (!free && !known.has(key)) throw new Error(`a file with the unknown key ${key} was accepted`);
    },
  });
}
