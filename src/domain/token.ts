import { createHash } from "node:crypto";
import type { Secret } from "../secret.ts";

/** How long an answer lives at least when the caller does not say. */
export const defaultMinTtlMs = 60_000;

/** A token this young is as good as the platform gives, whatever lifetime the caller asks for. */
const freshMs = 60_000;

export interface TokenLife {
  readonly issuedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
}

/** Whether a token lives for another `minTtlMs`, or for as long as the platform gives one. */
export function livesLongEnough(token: TokenLife, now: Date, minTtlMs: number): boolean {
  if (token.expiresAt === undefined) return true;
  const left = token.expiresAt.getTime() - now.getTime();
  if (left >= minTtlMs) return true;
  return left > 0 && token.issuedAt !== undefined && now.getTime() - token.issuedAt.getTime() < freshMs;
}

/** Whether a token works at all at `now`. */
export function isAlive(token: TokenLife, now: Date): boolean {
  return token.expiresAt === undefined || token.expiresAt.getTime() > now.getTime();
}

/** Names a token without revealing it: lowercase hex SHA-256. The `token_id` of the contract and of audit rows. */
export function fingerprint(token: Secret): string {
  return createHash("sha256").update(token.reveal()).digest("hex");
}
