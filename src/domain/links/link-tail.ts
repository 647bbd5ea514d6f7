/** The ends of links as they come, looked for once for all who wait for them in this process. */
export interface LinkTail {
  /**
   * Returns when a link is not open any more, or after so long.
   * @throws the reason of `signal`; ServiceError SERVICE_UNAVAILABLE while the database cannot be read.
   */
  wait(id: string, milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** How often is looked, with one statement, while anybody waits. */
const lookMs = 500;
/** So many failures in a row, and whoever waits is told. */
const maxFailures = 5;

interface Waiter {
  readonly id: string;
  readonly done: (error?: unknown) => void;
}

export function createLinkTail({
  openOf,
}: {
  readonly openOf: (ids: readonly string[]) => Promise<readonly string[]>;
}): LinkTail {
  const waiting = new Set<Waiter>();
  let looking = false;
  let failures = 0;

  async function look(): Promise<void> {
    const asked = [...waiting];
    try {
      const open = new Set(await openOf([...new Set(asked.map(({ id }) => id))]));
      failures = 0;
      for (const { id, done } of asked) if (!open.has(id)) done();
    } catch (error) {
      failures += 1;
      if (failures >= maxFailures) for (const { done } of asked) done(error);
    }
    looking = false;
    if (waiting.size > 0) lookSoon();
  }

  function lookSoon(): void {
    if (looking) return;
    looking = true;
    setTimeout(look, lookMs);
  }

  return {
    wait: (id, milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const waiter: Waiter = {
          id,
          done(error) {
            clearTimeout(timer);
            signal.removeEventListener("abort", abort);
            waiting.delete(waiter);
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        const abort = () => waiter.done(signal.reason);
        const timer = setTimeout(() => waiter.done(), milliseconds);
        signal.addEventListener("abort", abort);
        waiting.add(waiter);
        lookSoon();
      }),
  };
}
