/** How access tokens look outside: `jwt` is what Atlassian sends. */
export interface AccessTokenShape {
  readonly format: "jwt" | "opaque";
  /** Length in characters, about. */
  readonly length: number;
}

const separator = "~";

/** Dresses the authorization server's token in the shape; the padding means nothing. */
export function dress(token: string, shape: AccessTokenShape, random: (bytes: number) => Buffer): string {
  if (shape.format === "opaque") {
    const missing = Math.max(0, shape.length - token.length - separator.length);
    return token + separator + random(missing).toString("base64url").slice(0, missing);
  }
  const head = `${encode({ alg: "RS256", typ: "JWT" })}.${encode({ jti: token })}.`;
  const missing = Math.max(43, shape.length - head.length);
  return head + random(missing).toString("base64url").slice(0, missing);
}

/** Gives the authorization server's token back. */
export function undress(token: string, shape: AccessTokenShape): string | undefined {
  if (shape.format === "opaque") return token.split(separator)[0];
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null && "jti" in claims ? String(claims.jti) : undefined;
  } catch {
    return undefined;
  }
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
