import type { PostgresServer } from "../rig/postgres-server.ts";
import type { SeededRandom } from "../rig/seeded-random.ts";
import type { Closers } from "../src/closers.ts";
import type { Row } from "./row.ts";

/** One kind of fault, played on a stage of its own. */
export interface Scenario {
  /** As `--only` names it. */
  readonly name: string;
  run(context: ScenarioContext): Promise<readonly Row[]>;
}

export interface ScenarioContext {
  readonly postgres: PostgresServer;
  /** An unused name for a database. */
  readonly database: string;
  /** Closed when the scenario ends. */
  readonly closers: Closers;
  readonly random: SeededRandom;
  readonly quick: boolean;
  /** A standby hears of the last commits too late. */
  readonly asynchronous: boolean;
  /** Tells how far it is. */
  say(text: string): void;
}
