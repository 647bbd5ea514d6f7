/** Looks again and again for all in this process who wait for something to change, with one look for all of them. */
export interface SharedLook<Value> {
  /**
   * Returns what was seen when it is what is waited for, or undefined after so long.
   * @throws the reason of `signal`; what the looks fail with, several in a row.
   */
  wait(
    key: string,
    isIt: (value: Value | undefined) => boolean,
    milliseconds: number,
    signal: AbortSignal,
  ): Promise<Value | undefined>;
}

/** How often is looked while anybody waits. */
const lookMs = 500;
/** So many failures in a row, and whoever waits is told. */
const maxFailures = 5;

interface Waiter<Value> {
  readonly key: string;
  readonly isIt: (value: Value | undefined) => boolean;
  readonly done: (value: Value | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** `look` gives what there is of the keys. */
export function createSharedLook<Value>(
  look: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
): SharedLook<Value> {
  const waiting = new Set<Waiter<Value>>();
  let looking = false;
  let failures = 0;

  async function lookOnce(): Promise<void> {
    const asked = [...waiting];
    try {
      const found = await look([...new Set(asked.map(({ key }) => key))]);
      failures = 0;
      for (const { key, isIt, done } of asked) {
        const value = found.get(key);
        if (isIt(value)) done(value);
      }
    } catch (error) {
      failures += 1;
      if (failures >= maxFailures) for (const { fail } of asked) fail(error);
    }
    looking = false;
    if (waiting.size > 0) lookSoon();
  }

  function lookSoon(): void {
    if (looking) return;
    looking = true;
    setTimeout(lookOnce, lookMs);
  }

  return {
    wait: (key, isIt, milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", abort);
          waiting.delete(waiter);
        };
        const waiter: Waiter<Value> = {
          key,
          isIt,
          done: (value) => {
            end();
            resolve(value);
          },
          fail: (error) => {
            end();
            reject(error);
          },
        };
        const abort = () => waiter.fail(signal.reason);
        const timer = setTimeout(() => waiter.done(undefined), milliseconds);
        signal.addEventListener("abort", abort);
        waiting.add(waiter);
        lookSoon();
      }),
  };
}
