/** Work on items, a few at once; what waits is bounded. */
export interface Pool<Item> {
  /** How many items it would take now. */
  readonly room: number;
  /** False, and nothing is done: there is no room. */
  add(item: Item): boolean;
  /** Until everything that was added is done. */
  idle(): Promise<void>;
}

/** `work` must not throw: what it cannot do is its own to tell. */
export function createPool<Item>(
  options: { readonly atOnce: number; readonly waiting: number },
  work: (item: Item) => Promise<void>,
): Pool<Item> {
  const waiting: Item[] = [];
  const idlers: (() => void)[] = [];
  let running = 0;

  const room = () => options.atOnce + options.waiting - running - waiting.length;

  async function run(first: Item): Promise<void> {
    running++;
    try {
      for (let item: Item | undefined = first; item !== undefined; item = waiting.shift()) await work(item);
    } finally {
      running--;
      if (running === 0) for (const wake of idlers.splice(0)) wake();
    }
  }

  return {
    get room() {
      return room();
    },
    add(item) {
      if (room() <= 0) return false;
      if (running < options.atOnce) void run(item);
      else waiting.push(item);
      return true;
    },
    idle: () => (running === 0 ? Promise.resolve() : new Promise((wake) => idlers.push(wake))),
  };
}
