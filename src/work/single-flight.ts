/** Runs `work` once at a time per key: whoever asks while it runs gets the same answer; a later ask runs it again. */
export function singleFlight<T>(): (key: string, work: () => Promise<T>) => Promise<T> {
  /** Emptied when they end: a Map that was copied keeps what left it until the next full collection. */
  const running = new Map<string, { answer: Promise<T> | undefined }>();
  return (key, work) => {
    const joined = running.get(key)?.answer;
    if (joined !== undefined) return joined;
    const answer = work().finally(() => {
      running.delete(key);
      flight.answer = undefined;
    });
    const flight: { answer: Promise<T> | undefined } = { answer };
    running.set(key, flight);
    return answer;
  };
}
