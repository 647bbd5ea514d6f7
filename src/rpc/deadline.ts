const defaultTimeoutMs = 10_000;
const maxTimeoutMs = 60_000;

/**
 * Milliseconds a caller still waits: 10 s if it named no deadline, at most 60 s. Counted as callers wait: no clock
 * that is set meanwhile, and none that a test moves, changes it.
 */
export function countdown(
  timeoutMs: number | undefined,
  countMs: () => number = () => performance.now(),
): () => number {
  const deadlineMs = countMs() + Math.min(Math.max(timeoutMs ?? defaultTimeoutMs, 0), maxTimeoutMs);
  return () => Math.max(deadlineMs - countMs(), 0);
}
