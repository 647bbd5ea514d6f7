import { randomIds } from "../work/random-ids.ts";

/**
 * A generator of UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix time in milliseconds, then 74 random bits, so that
 * new rows land next to each other in the primary key.
 */
export function createUuid(now: () => Date, random: (bytes: number) => Buffer): () => string {
  const randomHex = randomIds(random, 10);
  return () => {
    const time = now().getTime().toString(16).padStart(12, "0");
    const chance = randomHex();
    const variant = "89ab"[Number.parseInt(chance.slice(0, 1), 16) & 0x3];
    return `${time.slice(0, 8)}-${time.slice(8)}-7${chance.slice(1, 4)}-${variant}${chance.slice(4, 7)}-${chance.slice(8)}`;
  };
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether the database would take `text` for a UUID. Anything else names no row. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}
