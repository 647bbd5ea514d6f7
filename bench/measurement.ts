import type { Closers } from "../src/closers.ts";
import type { Cores } from "./cores.ts";
import type { Plan } from "./plan.ts";
import type { BenchPostgres } from "./postgres-server.ts";

/** What every measurement finds in place. */
export interface Bench {
  readonly plan: Plan;
  readonly cores: Cores;
  readonly postgres: BenchPostgres;
  /** A folder of this measurement's own. */
  readonly directory: string;
  /** Of this measurement: whatever it starts is added here and ended after it, whether it succeeds or not. */
  readonly closers: Closers;
}

/** One question the benchmark answers. */
export interface Measurement {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Findings>;
}

export interface Findings {
  /** Headings of the table. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** How it was measured, in a few sentences. */
  readonly how: string;
  /** For the picture. */
  readonly curves?: readonly Curve[];
}

export interface Row {
  readonly cells: readonly string[];
  /** What the figure must reach, and whether it did in this run. */
  readonly target?: { readonly text: string; readonly met: boolean };
}

/** One line of the picture: latencies in milliseconds, ascending. */
export interface Curve {
  readonly label: string;
  readonly latenciesMs: Float64Array;
}
