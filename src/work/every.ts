import type { Log } from "../world.ts";

/** Runs a job again and again, never twice at once, until closed. A failure is logged by name and tried again. */
export function every(
  intervalMs: number,
  name: string,
  job: () => Promise<void>,
  log: Log,
): { close(): Promise<void> } {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= job()
      .catch((error: unknown) =>
        log.warn({ job: name, error: error instanceof Error ? error.name : "unknown" }, "job.failed"),
      )
      .finally(() => {
        running = undefined;
      });
  }, intervalMs);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}

/** How a job is run again and again: `every`, or by hand. */
export type Schedule = typeof every;
