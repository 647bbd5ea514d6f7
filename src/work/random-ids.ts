const idsPerDraw = 256;

/**
 * Makes random ids of so many bytes, in hex. Drawn in bulk: a draw for each would cost more than all else that a call
 * needs one for.
 */
export function randomIds(random: (bytes: number) => Buffer, idBytes: number): () => string {
  let pool: Buffer = Buffer.alloc(0);
  let used = 0;
  return () => {
    if (used === pool.length) {
      pool = random(idBytes * idsPerDraw);
      used = 0;
    }
    used += idBytes;
    return pool.toString("hex", used - idBytes, used);
  };
}
