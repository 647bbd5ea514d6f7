/** No token of these platforms lives longer; keeps a nonsensical `expires_in` from overflowing a date. */
const maxLifeSeconds = 366 * 86_400;

/**
 * When something ends that lives for `seconds` from the platform's answer on (RFC 6749 section 5.1). Negative counts
 * as ended; undefined names no end.
 */
export function expiresAfter(receivedAt: Date, seconds: number | undefined): Date | undefined {
  if (seconds === undefined) return undefined;
  return new Date(receivedAt.getTime() + Math.min(Math.max(seconds, 0), maxLifeSeconds) * 1000);
}
