import type { Environment, ReadFile } from "../settings/setting-reader.ts";
import type { ServiceClock } from "../world.ts";

/** What the command line takes from the process it runs in. */
export interface ProcessWorld {
  readonly env: Environment;
  readonly readFile: ReadFile;
  readonly now: () => Date;
  /** What keeps `now` right beside a service, by the database both use. */
  readonly clock?: ServiceClock;
  /** Cryptographically strong random bytes. */
  readonly random: (bytes: number) => Buffer;
  /** A line for standard output. */
  readonly print: (line: string) => void;
  /** A line for standard error. */
  readonly complain: (line: string) => void;
}

/** What a command finds in place. */
export interface CommandWorld extends ProcessWorld {
  /** A line of the result for who reads it, or reads it line by line. Not shown with `--json`. */
  readonly print: (line: string) => void;
  /** Whether the result is wanted as one document. */
  readonly json: boolean;
  /** A sentence for people; with `--json` it is the `message` of an object. */
  readonly complain: (sentence: string) => void;
  /** What goes on beside the work, as one line of JSON on standard error. */
  readonly note: (fields: object) => void;
}

/** How a command ended: exit code 0 where all of it was done, else 1; and what `--json` prints. */
export interface Outcome {
  readonly code: 0 | 1;
  readonly result: object;
}

/** What was given to a command, by the names that its entry declares. */
export interface Given<Arguments extends readonly string[], Values extends string, Flags extends string> {
  readonly arguments: Arguments;
  readonly values: { readonly [Name in Values]: string | undefined };
  readonly flags: { readonly [Name in Flags]: boolean };
}

/**
 * Does the work of a command.
 * @throws UsageError if what was given does not fit together, Error whose message is meant for the operator.
 */
export type Command<
  Arguments extends readonly string[] = readonly [],
  Values extends string = never,
  Flags extends string = never,
> = (given: Given<Arguments, Values, Flags>, world: CommandWorld) => Promise<Outcome>;

/** The command line is not one of ours: what is wrong with it, and where it is known what was meant instead. */
export class UsageError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
