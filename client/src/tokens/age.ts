/** How much time has gone by since it was asked for; negative or NaN if that cannot be told. */
export type Age = () => number;

/**
 * Measures by a clock of the client's own, or by two of which the faster is believed: one stops while the machine sleeps,
 * the other is set back by whoever sets clocks.
 */
export function startAge(now: (() => number) | undefined): Age {
  if (now !== undefined) {
    const start = now();
    return () => now() - start;
  }
  const wall = Date.now();
  const steady = performance.now();
  return () => Math.max(Date.now() - wall, performance.now() - steady);
}

/** The service's clock is known to a second. */
const clockGrainMs = 1_000;
/** A token is not given out for the last of its life: what the service promises by default. */
const marginMs = 60_000;
/** A token without an end is asked for again after this: it may have been revoked. */
const endlessMs = 300_000;

/**
 * For how long after it was asked for a token is given out again. Its remaining life is what the answer says by the
 * service's own clock: the clock of this machine may be wrong by hours.
 */
export function usableMs(
  expireTime: number | undefined,
  serviceTime: number | undefined,
  minTtlMs: number | undefined,
  now: () => number,
): number {
  if (expireTime === undefined) return endlessMs;
  const leftMs = expireTime - (serviceTime === undefined ? now() : serviceTime + clockGrainMs);
  if (minTtlMs !== undefined) return leftMs - minTtlMs;
  // Of what lives for a minute only, half.
  return leftMs - Math.min(marginMs, leftMs / 2);
}
