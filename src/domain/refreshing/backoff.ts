const baseMs = 500;
/** With the breaker's pause below 10 s, so that the first success after an outage comes within 10 s of its end. */
const capMs = 6_000;

/** How long to leave the platform alone after `failures` failures in a row: doubling, capped, half of it jitter. */
export function backoffMs(failures: number, random: () => number): number {
  const full = Math.min(baseMs * 2 ** Math.min(failures, 10), capMs);
  return full / 2 + (full / 2) * random();
}

/** A fraction in [0, 1) from strong random bytes. */
export function fraction(random: (bytes: number) => Buffer): number {
  return random(4).readUInt32BE() / 2 ** 32;
}
