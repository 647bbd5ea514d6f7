import type { Environment, ReadFile } from "../settings/setting-reader.ts";
import type { ServiceClock } from "../world.ts";

/** What a command takes from the process it runs in. */
export interface CommandWorld {
  readonly env: Environment;
  readonly readFile: ReadFile;
  readonly now: () => Date;
  /** What keeps `now` right beside a service, by the database both use. */
  readonly clock?: ServiceClock;
  /** Cryptographically strong random bytes. */
  readonly random: (bytes: number) => Buffer;
  /** A line for whoever reads or pipes the result. */
  readonly print: (line: string) => void;
  /** A line for people. */
  readonly complain: (line: string) => void;
}

/**
 * Does its work and returns the exit code: 0 done, 1 not done, 2 not understood.
 * @throws Error whose message is meant for the operator.
 */
export type Command = (args: readonly string[], world: CommandWorld) => Promise<number>;

/** The exit code for arguments that a command does not have. */
export const notUnderstood = 2;
