import type { Request } from "express";

export interface BasicCredentials {
  readonly name: string;
  readonly password: string;
}

/** The credentials of `Authorization: Bearer …`, or of one of the other schemes named. */
export function bearerToken(request: Request, ...otherSchemes: readonly string[]): string | undefined {
  const [scheme, token, ...more] = (request.get("authorization") ?? "").split(" ");
  if (scheme === undefined || token === undefined || token === "" || more.length > 0) return undefined;
  return ["bearer", ...otherSchemes].includes(scheme.toLowerCase()) ? token : undefined;
}

/** HTTP Basic with both parts form-decoded (RFC 6749 section 2.3.1). */
export function basicCredentials(request: Request): BasicCredentials | undefined {
  const [scheme, value] = (request.get("authorization") ?? "").split(" ");
  if (scheme?.toLowerCase() !== "basic" || value === undefined) return undefined;
  const pair = Buffer.from(value, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon < 0) return undefined;
  try {
    return { name: decodeURIComponent(pair.slice(0, colon)), password: decodeURIComponent(pair.slice(colon + 1)) };
  } catch {
    return undefined;
  }
}
