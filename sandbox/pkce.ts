import { createHash } from "node:crypto";

/** Whether a verifier belongs to the challenge (RFC 7636 section 4.6); one without the other never does. */
export function verifierMatches(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier;
  return createHash("sha256").update(verifier).digest("base64url") === challenge;
}
