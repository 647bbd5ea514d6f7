/** No answer within the time a statement has. The statement may still be carried out. */
export class DeadlineExceeded extends Error {
  constructor(limitMs: number) {
    super(`the database gave no answer within ${limitMs} ms`);
    this.name = "DeadlineExceeded";
  }
}

/**
 * Waits for `work` no longer than `limitMs`. The work goes on unwatched.
 * @throws DeadlineExceeded.
 */
export async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  // The answer may lie in the socket already if it was this process that stood still: let it be read first.
  const timer = setTimeout(() => setImmediate(() => late.reject(new DeadlineExceeded(limitMs))), limitMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
