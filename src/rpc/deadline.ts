const defaultTimeoutMs = 10_000;
const maxTimeoutMs = 60_000;

/**
 * Milliseconds a caller still waits: 10 s if it named no deadline, at most 60 s. Counted on the machine's own clock,
 * on which callers wait and transports give deadlines, and not on the injected one, which a test moves.
 */
export function countdown(timeoutMs: number | undefined, machineNowMs: () => number = Date.now): () => number {
  const deadlineMs = machineNowMs() + Math.min(Math.max(timeoutMs ?? defaultTimeoutMs, 0), maxTimeoutMs);
  return () => Math.max(deadlineMs - machineNowMs(), 0);
}
