import { Interrupted } from "../failure.ts";
import { type PassedOn, passedOn } from "./child.ts";

/** What the system tells this process. */
export interface Signals {
  /** Aborted by the first that ends a command; the reason is an `Interrupted`. A second one ends the process at once. */
  readonly interrupt: AbortSignal;
  /** From now on they are somebody else's, those that would do something else here, too. Returns how to give that up. */
  takeSignals(handle: (signal: PassedOn) => void): () => void;
}

const ending = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Listens from now on. */
export function listenToSignals(): Signals {
  const interrupt = new AbortController();
  let taken: ((signal: PassedOn) => void) | undefined;
  for (const signal of ending) {
    process.on(signal, () => {
      if (taken !== undefined) return taken(signal);
      const stopped = new Interrupted(signal);
      // Who asks twice does not want to wait.
      if (interrupt.signal.aborted) process.exit(stopped.exitCode);
      interrupt.abort(stopped);
    });
  }
  return {
    interrupt: interrupt.signal,
    takeSignals(handle) {
      taken = handle;
      // Windows has no others.
      const others = process.platform === "win32" ? [] : passedOn.filter((one) => !ending.some((end) => end === one));
      for (const signal of others) process.on(signal, handle);
      return () => {
        taken = undefined;
        for (const signal of others) process.off(signal, handle);
      };
    },
  };
}
