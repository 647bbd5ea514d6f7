/** Random numbers that a seed repeats. */
export interface SeededRandom {
  /** From [0, 1). */
  fraction(): number;
  /** A whole number from [0, limit). */
  below(limit: number): number;
  /** From [least, most). */
  between(least: number, most: number): number;
  /** Another sequence, which depends on the seed and the name only. */
  named(name: string): SeededRandom;
}

/** The generator "mulberry32": short, even enough to choose whom to kill. */
export function seededRandom(seed: string): SeededRandom {
  let state = hash(seed);

  function fraction(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  return {
    fraction,
    below: (limit) => Math.floor(fraction() * limit),
    between: (least, most) => least + fraction() * (most - least),
    named: (name) => seededRandom(`${seed}/${name}`),
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value;
}
