/** A clock that runs with the real one until a test moves it. */
export interface TestClock {
  readonly now: () => Date;
  /** Moves it forward; negative moves it back. */
  advance(ms: number): void;
}

export function createClock(): TestClock {
  let offsetMs = 0;
  return {
    now: () => new Date(Date.now() + offsetMs),
    advance: (ms) => {
      offsetMs += ms;
    },
  };
}
