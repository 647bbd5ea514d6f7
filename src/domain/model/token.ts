import type { Secret } from "../../secret.ts";

/** How long an answer lives at least when the caller does not say. */
export const defaultMinTtlMs = 60_000;

/** A token this young is as good as the platform gives, whatever lifetime the caller asks for. */
const freshMs = 60_000;

export interface TokenLife {
  readonly issuedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
}

/** A token that may be handed out. */
export interface Issuable extends TokenLife {
  readonly value: Secret;
  readonly scopes: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
}

/** Whether a token lives for another `minTtlMs`, or for as long as the platform gives one. */
export function livesLongEnough(token: TokenLife, now: Date, minTtlMs: number): boolean {
  if (token.expiresAt === undefined) return true;
  const left = token.expiresAt.getTime() - now.getTime();
  if (left <= 0) return false;
  if (left >= minTtlMs) return true;
  return token.issuedAt !== undefined && now.getTime() - token.issuedAt.getTime() < freshMs;
}

/** Whether a token works at all at `now`. */
export function isAlive(token: TokenLife, now: Date): boolean {
  return token.expiresAt === undefined || token.expiresAt.getTime() > now.getTime();
}

/**
 * When to refresh behind the answer: between 45 % and 55 % of the token's life, so that equal expiries spread. `jitter`
 * is from [0, 1). Undefined for a token without an end.
 */
export function refreshTime(token: TokenLife, jitter: number): Date | undefined {
  const { issuedAt, expiresAt } = token;
  if (issuedAt === undefined || expiresAt === undefined) return undefined;
  return new Date(issuedAt.getTime() + (expiresAt.getTime() - issuedAt.getTime()) * (0.45 + jitter / 10));
}
