import type { Keyring } from "./accounts/keyring.ts";
import type { Child } from "./child/child.ts";
import type { Signals } from "./child/signals.ts";

/** What the command line takes from the process it runs in. */
export interface CliWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** The person's home directory; empty if there is none. */
  readonly home: string;
  readonly hostname: string;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds of the wall clock. */
  readonly now: () => number;
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number;
  /** Resolves after that time, or as soon as `interrupt` or `until` is aborted. */
  readonly sleep: (ms: number, until?: AbortSignal) => Promise<void>;
  /** All of standard input. */
  readonly readInput: () => Promise<string>;
  /** As it is, to standard output and to standard error. */
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Whether a person looks at standard error. */
  readonly errorIsTerminal: boolean;
  /** Whether a terminal may send signals to all that runs in its foreground. */
  readonly hasTerminal: boolean;
  /** Aborted by Ctrl-C and its like; the reason is an `Interrupted`. */
  readonly interrupt: AbortSignal;
  readonly takeSignals: Signals["takeSignals"];
  /** Starts a program with our own standard input, output and error. */
  readonly start: (command: readonly [string, ...string[]], env: CliWorld["env"]) => Child;
  /** Shows an address in the person's browser, without waiting for it. Never throws. */
  readonly openBrowser: (url: URL) => void;
  /** Undefined where there is none. */
  readonly keyring: Keyring | undefined;
}
