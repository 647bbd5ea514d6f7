import { createPrivateKey, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type { Secret } from "../../secret.ts";

/** GitHub advises 60 s in the past, and refuses an end more than 10 minutes ahead (GitHub docs, "Generating a JWT"). */
const backdatedSeconds = 60;
const lifetimeSeconds = 540;
const minModulusBits = 2048;

/**
 * Reads a GitHub App's key: PEM, PKCS#1 or PKCS#8, also with its line breaks spelled `\n`.
 * @throws Error if it is not an RSA key of at least 2048 bits; the message never repeats it.
 */
export function readPrivateKey(pem: Secret): KeyObject {
  const key = parse(pem.reveal().replaceAll("\\n", "\n").trim());
  const bits = key?.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key?.asymmetricKeyType !== "rsa" || bits < minModulusBits) {
    throw new Error("the private key of the GitHub App is not an RSA key of at least 2048 bits in PEM form");
  }
  return key;
}

/** Proves to be the app, for nine minutes from `now`. Times are whole seconds: GitHub refuses fractions. */
export function signAppJwt(key: KeyObject, clientId: string, now: Date): Promise<string> {
  const seconds = Math.floor(now.getTime() / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: "RS256", typ: "JWT" })
    .setIssuer(clientId)
    .setIssuedAt(seconds - backdatedSeconds)
    .setExpirationTime(seconds + lifetimeSeconds)
    .sign(key);
}

/** Whether a 401's message blames the clock that the claims were made with. */
export function blamesClock(message: string): boolean {
  return /'(Expiration time|Issued at)' claim \('(exp|iat)'\)/.test(message);
}

function parse(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
