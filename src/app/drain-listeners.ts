import type { Listener } from "../web/listen.ts";
import { orAfter } from "../work/or-after.ts";

/** Anything that takes no more calls, and gives those under way so long. */
type Draining = Pick<Listener, "close">;

/**
 * Ends all listeners within `graceMs`. The public one goes on, and says at /readyz that this process drains, until the
 * calls at the others have ended or half of that time is over; what is left of it is then its own.
 */
export async function drainListeners(open: Draining, others: readonly Draining[], graceMs: number): Promise<void> {
  const startedMs = performance.now();
  const ended = Promise.all(others.map((listener) => listener.close(graceMs)));
  await orAfter(graceMs / 2, Promise.allSettled([ended]), () => undefined);
  await Promise.all([ended, open.close(Math.max(0, graceMs - (performance.now() - startedMs)))]);
}
