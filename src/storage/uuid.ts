import { randomIds } from "../work/random-ids.ts";

/** How far a clock may be set back, in milliseconds, before ids follow it instead of each other. */
const followsMs = 10_000;

/**
 * A generator of UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix time in milliseconds, a counter of 12, and 62 random
 * bits. Ids of one generator sort as they were made, also within a millisecond and after a clock is set back a little
 * (section 6.2, method 1), so that new rows land next to each other in the primary key.
 */
export function createUuid(now: () => Date, random: (bytes: number) => Buffer): () => string {
  const randomHex = randomIds(random, 10);
  let ms = Number.NEGATIVE_INFINITY;
  let counter = 0;
  return () => {
    const chance = randomHex();
    const at = now().getTime();
    const follows = at <= ms && at >= ms - followsMs;
    if (follows && counter < 0xfff) counter += 1;
    else {
      ms = follows ? ms + 1 : at;
      // Half of its room is left for the ids that follow.
      counter = Number.parseInt(chance.slice(1, 4), 16) & 0x7ff;
    }
    const time = ms.toString(16).padStart(12, "0");
    const variant = "89ab"[Number.parseInt(chance.slice(0, 1), 16) & 0x3];
    const count = counter.toString(16).padStart(3, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${variant}${chance.slice(4, 7)}-${chance.slice(8)}`;
  };
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether the database would take `text` for a UUID. Anything else names no row. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}
