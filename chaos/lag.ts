/** How far behind the process of the run itself was lately: on a busy machine it sees answers later than they come. */
export interface Lag {
  /** The longest hold-up of the last two seconds. */
  recentMs(): number;
}

const tickMs = 20;
const memory = 2_000 / tickMs;

/** Measured from the first import on; keeps no process alive. */
export const lag: Lag = watchLag();

function watchLag(): Lag {
  const recent: number[] = [];
  let dueAt = performance.now() + tickMs;
  const timer = setInterval(() => {
    const now = performance.now();
    recent.push(Math.max(now - dueAt, 0));
    if (recent.length > memory) recent.shift();
    dueAt = now + tickMs;
  }, tickMs);
  timer.unref();
  return { recentMs: () => Math.max(0, ...recent, performance.now() - dueAt) };
}
