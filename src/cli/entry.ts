import type { Command } from "./command.ts";

/** What may be given after two dashes. */
export interface Option {
  /** What its value is called in the help; absent: it is a flag, and has none. */
  readonly value?: string;
  readonly about: string;
}

/** A command as the command line knows it before it is loaded. */
export interface Entry {
  readonly words: readonly string[];
  /** The names of what has to be given, in order; the last may be `[ID…]`, any number of them. */
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  /** One line. */
  readonly summary: string;
  /** What else there is to know before running it. */
  readonly about: string;
  /** Loaded when asked for: a health check every few seconds should not wait for the database driver. */
  readonly load: () => Promise<Command<readonly string[], string, string>>;
}

type Valued<Options> = {
  [Name in keyof Options]: Options[Name] extends { value: string } ? Name : never;
}[keyof Options];
type Texts<Names extends readonly string[]> = { readonly [Index in keyof Names]: string };

/** Declares a command. What is loaded has to be one that takes just these arguments and options. */
export function entry<
  const Arguments extends readonly string[],
  const Options extends Readonly<Record<string, Option>>,
>(declared: {
  readonly words: readonly string[];
  readonly arguments: Arguments;
  readonly options: Options;
  readonly summary: string;
  readonly about: string;
  readonly load: () => Promise<
    Command<Texts<Arguments>, Valued<Options> & string, Exclude<keyof Options, Valued<Options>> & string>
  >;
}): Entry {
  const { load } = declared;
  return {
    ...declared,
    load: async () => {
      const command = await load();
      // What was given is read by these very declarations.
      return (given, world) => command(given as Parameters<typeof command>[0], world);
    },
  };
}
