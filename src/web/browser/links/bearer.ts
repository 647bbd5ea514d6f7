import { Secret } from "../../../secret.ts";

const longest = 8 * 1024;
const bearer = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** The secret of an `Authorization` header; undefined where there is none of this scheme (RFC 6750 section 2.1). */
export function bearerOf(header: string | undefined): Secret | undefined {
  if (header === undefined || header.length > longest) return undefined;
  const secret = bearer.exec(header)?.[1];
  return secret === undefined ? undefined : new Secret(secret);
}
