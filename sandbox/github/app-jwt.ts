import { verify } from "node:crypto";
import type { Request } from "express";
import type { Answer } from "../http/answer.ts";
import { bearerToken } from "../http/authorization-header.ts";
import { isRecord } from "../http/request-body.ts";
import type { AppRegistration } from "./registration.ts";

const maxAheadSeconds = 600;

/** The refusal of a request that the app did not sign properly; undefined if it did. */
export function refuseJwt(request: Request, app: AppRegistration, now: Date): Answer | undefined {
  const claims = signedClaims(bearerToken(request), app);
  if (claims === undefined) return unauthorized("A JSON web token could not be decoded");
  const { iat, exp, iss } = claims;
  const nowSeconds = now.getTime() / 1000;
  if (typeof iat !== "number" || !Number.isInteger(iat) || iat > nowSeconds) {
    return unauthorized(
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
  if (typeof exp !== "number" || !Number.isInteger(exp) || exp <= nowSeconds) {
    return unauthorized(
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  }
  if (exp > nowSeconds + maxAheadSeconds) {
    return unauthorized("'Expiration time' claim ('exp') is too far in the future");
  }
  if (iss !== app.clientId && String(iss) !== String(app.appId)) {
    return { status: 404, body: { message: "Integration not found" } };
  }
  return undefined;
}

export function unauthorized(message: string): Answer {
  return { status: 401, body: { message, documentation_url: "https://docs.github.com/rest", status: "401" } };
}

/** The claims, if the app's key signed them with RS256. */
function signedClaims(jwt: string | undefined, app: AppRegistration): Record<string, unknown> | undefined {
  const [header, payload, signature, ...more] = (jwt ?? "").split(".");
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined;
  if (parse(header)?.alg !== "RS256") return undefined;
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify("sha256", signed, app.publicKey, Buffer.from(signature, "base64url"))) return undefined;
  return parse(payload);
}

function parse(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
