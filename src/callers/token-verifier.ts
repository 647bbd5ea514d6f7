import { decodeJwt, errors, jwtVerify } from "jose";
import type { Issuer } from "./issuer-entries.ts";
import type { IssuerKeys } from "./issuer-keys.ts";
import type { Policy, Proof } from "./policy.ts";

const toleranceSeconds = 60;
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
    const { payload, protectedHeader } = await jwtVerify(token, keysOf(issuer), {
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
