import { createHash } from "node:crypto";
import type { Secret } from "../../secret.ts";

/** The S256 challenge of a verifier (RFC 7636 section 4.2). */
export function codeChallenge(verifier: Secret): string {
  return createHash("sha256").update(verifier.reveal()).digest("base64url");
}
