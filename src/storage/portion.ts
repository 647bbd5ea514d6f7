/** How much one statement takes on. */
export interface Portion {
  readonly size: number;
  /** Told how long the last one took, or that it did not come to its end. */
  took(milliseconds: number): void;
}

/** From `first` on it grows to `most` while statements take less than half of `aimMs`, and shrinks when they take longer. */
export function createPortion({ first, most, aimMs }: Readonly<Record<"first" | "most" | "aimMs", number>>): Portion {
  let size = first;
  return {
    get size() {
      return size;
    },
    took(milliseconds) {
      if (milliseconds > aimMs) size = Math.max(1, size >> 1);
      else if (milliseconds <= aimMs / 2) size = Math.min(2 * size, most);
    },
  };
}
