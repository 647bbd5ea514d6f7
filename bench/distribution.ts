/** The middle value; the mean of the two middle ones of an even number. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The least value that a share of the values does not exceed (nearest rank). `ascending` is sorted. */
export function quantile(ascending: Float64Array, share: number): number {
  return ascending[Math.max(Math.ceil(share * ascending.length) - 1, 0)] ?? Number.NaN;
}

/** All values of several runs, ascending. */
export function merged(runs: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(runs.reduce((sum, run) => sum + run.length, 0));
  let at = 0;
  for (const run of runs) {
    all.set(run, at);
    at += run.length;
  }
  return all.sort();
}
