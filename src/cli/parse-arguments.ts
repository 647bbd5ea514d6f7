import { parseArgs } from "node:util";
import { type Given, UsageError } from "./command.ts";
import type { Entry, Option } from "./entry.ts";
import { nearName } from "./near-name.ts";

/** What was given to a command, and whether it was asked for its help instead. */
export interface Parsed {
  readonly given: Given<readonly string[], string, string>;
  readonly help: boolean;
}

/**
 * Reads what stands behind the words of a command. Asked for help, it does not mind what is missing.
 * @throws UsageError.
 */
export function parseArguments({ arguments: names, options }: Entry, args: readonly string[]): Parsed {
  const known: Readonly<Record<string, Option>> = { ...options, help: { about: "" } };
  const { tokens } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(
        Object.entries(known).map(([name, { value }]) => [name, { type: value === undefined ? "boolean" : "string" }]),
      ),
      help: { type: "boolean", short: "h" },
    },
    // What is wrong is said in our own words, with what was meant.
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    if (given.has(token.name)) throw new UsageError(`${token.rawName} was given twice`);
    given.set(token.name, readValue(token, known));
  }
  const flags = Object.fromEntries(Object.keys(known).map((name) => [name, given.has(name)]));
  const help = given.has("help");
  if (!help) checkArguments(positionals, names);
  const values = Object.fromEntries(Object.keys(options).map((name) => [name, given.get(name)]));
  return { given: { arguments: positionals, values, flags }, help };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function readValue(
  { name, rawName, value, inlineValue }: OptionToken,
  known: Readonly<Record<string, Option>>,
): string {
  // Not `known[name]`: an option may be called constructor by who mistypes it.
  const option = Object.hasOwn(known, name) ? known[name] : undefined;
  if (option === undefined) {
    const meant = nearName(name, [...Object.keys(known), "json"]);
    throw new UsageError(`there is no ${rawName}`, meant === undefined ? undefined : `did you mean --${meant}?`);
  }
  if (option.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return "";
  }
  if (value === undefined || value === "") throw new UsageError(`${rawName} needs a value: ${rawName} ${option.value}`);
  if (inlineValue !== true && value.startsWith("-") && value !== "-") {
    throw new UsageError(`${rawName} needs a value`, `one that begins with a dash is written ${rawName}=${value}`);
  }
  return value;
}

/** `[ID…]` stands for any number of them. */
const isAnyNumber = (name: string) => name.startsWith("[") && name.endsWith("…]");

function checkArguments(positionals: readonly string[], declared: readonly string[]): void {
  const further = declared.find(isAnyNumber);
  const needed = declared.filter((name) => name !== further);
  const names = further === undefined ? needed : [...needed, ...positionals.slice(needed.length).map(() => further)];
  const missing = names[positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const extra = positionals[names.length];
  if (extra !== undefined) throw new UsageError(`there is no place for ${JSON.stringify(extra)}`);
  const empty = positionals.indexOf("");
  if (empty >= 0) throw new UsageError(`${names[empty]} is empty`);
}
