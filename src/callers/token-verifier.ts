import { decodeJwt, decodeProtectedHeader, errors, type JWTVerifyOptions, type JWTVerifyResult, jwtVerify } from "jose";
import type { Issuer } from "./issuer-entries.ts";
import type { IssuerKeys } from "./issuer-keys.ts";
import type { Policy, Proof } from "./policy.ts";

const toleranceSeconds = 60;
/** Of keys that fit a token which names none. An issuer has two or three while it changes them. */
const mostKeys = 8;
const saneTypes: ReadonlySet<unknown> = new Set([undefined, "jwt", "application/jwt", "at+jwt", "application/at+jwt"]);

/**
 * Verifies a JWT of one of the policy's issuers. What the token says of itself only chooses among them. Undefined for
 * whatever is wrong with it.
 */
export async function verifyToken(
  token: string,
  policy: Policy,
  keysOf: (issuer: Issuer) => IssuerKeys,
  now: Date,
): Promise<Proof | undefined> {
  try {
    const { iss } = decodeJwt(token);
    const issuer = typeof iss === "string" ? policy.issuerOf(iss) : undefined;
    if (issuer === undefined) return undefined;
    const { payload, protectedHeader } = await verified(token, keysOf(issuer), {
      algorithms: [...issuer.algorithms],
      issuer: issuer.issuer,
      audience: issuer.audience,
      maxTokenAge: issuer.maxAgeSeconds,
      clockTolerance: toleranceSeconds,
      currentDate: now,
    });
    const { typ, crit } = protectedHeader;
    if (crit !== undefined || !saneTypes.has(typeof typ === "string" ? typ.toLowerCase() : typ)) return undefined;
    const { aud, exp, sub } = payload;
    if (Array.isArray(aud) && aud.length !== 1) return undefined;
    // The tolerance is for what has begun, not for what has ended.
    if (typeof sub !== "string" || typeof exp !== "number" || exp * 1000 <= now.getTime()) return undefined;
    const caller = policy.bySubject(issuer, sub);
    const expiresAt = new Date(exp * 1000);
    // Numbers may be so large that no day has them.
    return caller === undefined || Number.isNaN(expiresAt.getTime()) ? undefined : { caller, expiresAt };
  } catch (error) {
    // A key of the issuer that cannot be used is thrown as one of the latter two.
    const ofLibrary = [errors.JOSEError, TypeError, DOMException].some((type) => error instanceof type);
    if (ofLibrary) return undefined;
    throw error;
  }
}

/** A token that names no key may be signed with any that fits its algorithm. */
async function verified(token: string, keys: IssuerKeys, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, keys, options);
  } catch (several) {
    const isNamed = decodeProtectedHeader(token).kid !== undefined;
    if (isNamed || !(several instanceof errors.JWKSMultipleMatchingKeys)) throw several;
    let left = mostKeys;
    for await (const key of several) {
      if (left-- === 0) break;
      try {
        return await jwtVerify(token, key, options);
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      }
    }
    throw several;
  }
}
