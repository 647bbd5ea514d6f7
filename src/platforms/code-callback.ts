import type { Callback } from "../domain/model/platform.ts";
import { Secret } from "../secret.ts";

/**
 * Reads `code` or `error` (RFC 6749 sections 4.1.2 and 4.1.2.1). An error that does not speak of our registration
 * counts as a refusal by the person: the platforms document no list, and their texts are not to be relied on.
 */
export function readCodeCallback(query: URLSearchParams, registrationErrors: ReadonlySet<string>): Callback {
  const [code, ...moreCodes] = query.getAll("code");
  const [error, ...moreErrors] = query.getAll("error");
  if (moreCodes.length > 0 || moreErrors.length > 0) return { kind: "malformed" };
  if (error !== undefined) {
    return registrationErrors.has(error) ? { kind: "misconfigured", code: error } : { kind: "denied" };
  }
  if (code === undefined || code === "") return { kind: "malformed" };
  return { kind: "code", code: new Secret(code), hint: undefined };
}
