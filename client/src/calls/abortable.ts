/** What the promise comes to, or the reason of the first signal that aborts before. Never leaves a rejection unhandled. */
export async function abortable<Result>(
  promise: Promise<Result>,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<Result> {
  const controller = new AbortController();
  const release = follow(controller, signals);
  try {
    return await new Promise<Result>((resolve, reject) => {
      const stop = () => reject(controller.signal.reason);
      controller.signal.addEventListener("abort", stop);
      if (controller.signal.aborted) stop();
      promise.then(resolve, reject);
    });
  } finally {
    release();
  }
}

/** Waits, and keeps the process alive for whoever waits. */
export async function sleep(ms: number, ...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, longestTimerMs));
  });
  try {
    await abortable(over, ...signals);
  } finally {
    clearTimeout(timer);
  }
}

/** A longer one would end at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** Aborts the controller when one of the signals does, until it is released: long-lived signals remember nobody. */
export function follow(controller: AbortController, signals: readonly (AbortSignal | undefined)[]): () => void {
  const stops: (() => void)[] = [];
  for (const signal of signals) {
    if (signal === undefined) continue;
    const stop = () => controller.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    stops.push(() => signal.removeEventListener("abort", stop));
  }
  return () => {
    for (const stop of stops) stop();
  };
}
