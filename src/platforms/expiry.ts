import type { Reply } from "./http.ts";

/** No platform gives more; a larger number says nothing. */
const longestSeconds = 366 * 86_400;

/** When a token lives, by the service's time: from the moment it was asked for, so never longer than the platform counts. */
export interface Life {
  readonly issuedAt: Date;
  readonly expiresAt: Date | undefined;
}

/**
 * The life of a token that comes with `expires_in` (RFC 6749 section 5.1), whatever the platform's clock says. A fresh
 * token does not end at once, so 0 and less say nothing; then it lives `otherwiseSeconds`, undefined meaning without end.
 */
export function lifeOf({ sentAt }: Sent, seconds: number | undefined, otherwiseSeconds: number | undefined): Life {
  const said = seconds !== undefined && seconds > 0 && seconds <= longestSeconds ? seconds : otherwiseSeconds;
  return { issuedAt: sentAt, expiresAt: said === undefined ? undefined : secondsAfter(sentAt, said) };
}

/**
 * The life of a token that comes with its end: the end less the platform's own `Date`, both of which it counts in whole
 * seconds. What is not between nothing and `usualSeconds` (a proxy's wrong `Date`, or none and clocks that differ) counts
 * as the latter.
 */
export function lifeUntil({ sentAt, receivedAt }: Reply, end: Date, usualSeconds: number): Life {
  const seconds = (end.getTime() - receivedAt.getTime()) / 1000;
  const life = seconds > 0 && seconds < usualSeconds ? seconds : usualSeconds;
  return { issuedAt: sentAt, expiresAt: secondsAfter(sentAt, life - 1) };
}

/** When a grant ends that lives for so many seconds; undefined: it does not say. */
export function grantEnd({ sentAt }: Sent, seconds: number | undefined): Date | undefined {
  return lifeOf({ sentAt }, seconds, undefined).expiresAt;
}

type Sent = Pick<Reply, "sentAt">;

function secondsAfter(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000);
}
