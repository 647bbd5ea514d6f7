import { createHmac } from "node:crypto";
import type { Request } from "express";
import { isRecord } from "../http/request-body.ts";
import type { PlatformWorld } from "../options.ts";
import { secretEquals } from "../secret-equals.ts";
import type { SentryRegistration } from "./registration.ts";

/** What is wrong with the JWT that a request carries, in Sentry's words; each is taken once. */
export function jwtVerifier(world: PlatformWorld, registration: SentryRegistration) {
  const used = new Set<unknown>();
  return (request: Request): string | undefined => {
    const [scheme, token, ...more] = (request.get("authorization") ?? "").split(" ");
    if (scheme === undefined || token === undefined || more.length > 0) return "Header is in invalid form";
    if (scheme.toLowerCase() !== "bearer") return "Bearer not present in token";
    const claims = verify(token, registration.clientSecret);
    const now = world.now().getTime() / 1000;
    const { iss, sub, iat, exp, jti } = claims ?? {};
    const inTime = typeof iat === "number" && typeof exp === "number" && iat <= now && now < exp;
    if (claims === undefined || !inTime) return "Could not validate JWT";
    if (iss !== registration.clientId || sub !== registration.clientId) return "JWT is not valid for this application";
    if (typeof jti !== "string" || used.has(jti)) return "JWT has already been used";
    used.add(jti);
    return undefined;
  };
}

function verify(token: string, secret: string): Record<string, unknown> | undefined {
  const [head = "", body = "", signature = ""] = token.split(".");
  const header = json(head);
  if (header?.alg !== "HS256") return undefined;
  const expected = createHmac("sha256", secret).update(`${head}.${body}`).digest("base64url");
  return secretEquals(signature, expected) ? json(body) : undefined;
}

function json(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
