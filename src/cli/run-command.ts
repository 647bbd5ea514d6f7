import { version } from "../version.ts";
import { type CommandWorld, type ProcessWorld, UsageError } from "./command.ts";
import { commands, findEntry } from "./commands.ts";
import type { Entry } from "./entry.ts";
import { commandHelp, overview, usageOf } from "./help.ts";
import { parseArguments } from "./parse-arguments.ts";
import { program } from "./program.ts";
import { unknownCommand } from "./unknown-command.ts";

/**
 * Runs the command that the arguments name and returns the exit code: 0 done, 1 not done, 2 not understood. Never
 * throws. With `--json` the result is one document on standard output, and everything else JSON on standard error.
 */
export async function runCommand(args: readonly string[], process: ProcessWorld): Promise<number> {
  const { rest: words, json } = takeJson(args);
  const world = commandWorld(process, json);
  const { entry, rest } = findCommand(words);
  try {
    const result = entry === undefined ? general(rest, world) : await run(entry, rest, world);
    if (json) process.print(JSON.stringify(result.result));
    return result.code;
  } catch (error) {
    const usage = entry === undefined ? `usage: ${program} COMMAND, as ${program} --help lists them` : usageOf(entry);
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof UsageError)) {
      process.complain(json ? JSON.stringify({ error: message }) : message);
      return 1;
    }
    const { hint } = error;
    if (json) process.complain(JSON.stringify({ error: message, hint, usage }));
    else for (const line of [hint === undefined ? message : `${message}: ${hint}`, usage]) process.complain(line);
    return 2;
  }
}

async function run(entry: Entry, args: readonly string[], world: CommandWorld) {
  const { given, help } = parseArguments(entry, args);
  if (help) return say(world, "help", commandHelp(entry));
  const command = await entry.load();
  return command(given, world);
}

/** What is not about one command. */
function general(args: readonly string[], world: CommandWorld) {
  if (args.length === 1 && args[0] === "--version") return say(world, "version", version);
  const words = args.filter((arg) => !isHelp(arg));
  const isGroup = commands.some((entry) => words.every((word, index) => entry.words[index] === word));
  if (isGroup && words.length < args.length) return say(world, "help", overview(words));
  throw unknownCommand(words);
}

/** It holds for the whole line, wherever it stands: what is wrong with the rest is told in the same way. */
function takeJson(args: readonly string[]): { readonly rest: readonly string[]; readonly json: boolean } {
  const end = args.indexOf("--");
  const rest = args.filter((arg, index) => arg !== "--json" || (end >= 0 && index > end));
  return { rest, json: rest.length < args.length };
}

/** `help rotate` and `--help rotate` are `rotate --help`. */
function findCommand(args: readonly string[]): { readonly entry: Entry | undefined; readonly rest: readonly string[] } {
  const [first = ""] = args;
  const words = isHelp(first) ? args.slice(1) : args;
  const entry = findEntry(words);
  if (entry === undefined) return { entry, rest: args };
  return { entry, rest: [...(isHelp(first) ? ["--help"] : []), ...words.slice(entry.words.length)] };
}

function isHelp(arg: string): boolean {
  return arg === "help" || arg === "--help" || arg === "-h";
}

function say({ print }: CommandWorld, name: "help" | "version", text: string) {
  print(text);
  return { code: 0, result: { [name]: text } };
}

function commandWorld(world: ProcessWorld, json: boolean): CommandWorld {
  const { print, complain } = world;
  return {
    ...world,
    json,
    print: (line) => (json ? undefined : print(line)),
    complain: (sentence) => complain(json ? JSON.stringify({ message: sentence }) : sentence),
    note: (fields) => complain(JSON.stringify(fields)),
  };
}
