import { Session } from "node:inspector";

/** By file of `src`: 1 for each character of code that ran, 2 for one that was passed by, 0 for what nobody came near. */
export type Ran = Map<string, Uint8Array>;

interface Taken {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

const ran = 1;
const passedBy = 2;

/** Counts what is loaded from here on. Returns what tells, by V8's own account, what has run since it last told. */
export function startCoverage(): () => Ran {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  return () => {
    const files: Ran = new Map();
    // Answers before it returns, although by callback.
    session.post("Profiler.takePreciseCoverage", (error, taken) => {
      if (error !== null) throw error;
      for (const { url, functions } of (taken as Taken).result) {
        const at = url.indexOf("/src/");
        if (at === -1 || url.includes("node_modules")) continue;
        // Inner ranges come after those they are in, and say better what happened there.
        const ranges = functions.flatMap((one) => one.ranges);
        ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
        const file = new Uint8Array(Math.max(...ranges.map(({ endOffset }) => endOffset)));
        for (const { startOffset, endOffset, count } of ranges) {
          file.fill(count > 0 ? ran : passedBy, startOffset, endOffset);
        }
        files.set(url.slice(at), file);
      }
    });
    return files;
  };
}

/** Whether something ran that had not; with `keep` it counts as known from now on. */
export function isNew(now: Ran, known: Ran, { keep }: { readonly keep: boolean }): boolean {
  let found = false;
  for (const [url, file] of now) {
    const before = known.get(url) ?? new Uint8Array(0);
    const after = new Uint8Array(Math.max(before.length, file.length));
    after.set(before);
    for (const [at, state] of file.entries()) {
      if (state === ran && after[at] !== ran) found = true;
      if (after[at] !== ran && state !== 0) after[at] = state;
    }
    if (keep) known.set(url, after);
  }
  return found;
}

/** How many characters of code ran, and how many there are in the functions that were come near. */
export function totals(known: Ran): { readonly reached: number; readonly near: number } {
  let [reached, near] = [0, 0];
  for (const state of [...known.values()].flatMap((file) => [...file])) {
    if (state === ran) reached++;
    if (state !== 0) near++;
  }
  return { reached, near };
}
