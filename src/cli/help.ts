import { commands } from "./commands.ts";
import type { Entry } from "./entry.ts";
import { program } from "./program.ts";

/** What fits on a line of most terminals. */
const widest = 120;

/** What every command understands. */
const everywhere = {
  json: { about: "the result as one JSON document; errors as JSON on standard error" },
  help: { about: "prints this" },
};

/** How the command is called, in one line. */
export function usageOf({ words, arguments: names, options }: Entry): string {
  const optional = Object.entries(options).map(([name, { value }]) => `[${flag(name, value)}]`);
  const line = (given: readonly string[]) => [`usage: ${program}`, ...words, ...names, ...given, "[--json]"].join(" ");
  const whole = line(optional);
  return whole.length <= widest ? whole : line(["[OPTION…]"]);
}

/** All there is to know of one command. */
export function commandHelp(entry: Entry): string {
  const options = Object.entries({ ...entry.options, ...everywhere });
  const rows = options.map(([name, { value, about }]: [string, { value?: string; about: string }]) => [
    flag(name, value),
    about,
  ]);
  return [usageOf(entry), "", sentence(entry.summary), entry.about, "", ...table(rows)].join("\n");
}

/** The commands that begin with these words; all of them, and what else there is, without any. */
export function overview(words: readonly string[] = []): string {
  const listed = commands.filter((entry) => words.every((word, index) => entry.words[index] === word));
  const rows = listed.map((entry) => [[...entry.words, ...entry.arguments].join(" "), entry.summary]);
  const usage = [`usage: ${program}`, ...words, "COMMAND [--json]"].join(" ");
  const more = `${program} help COMMAND says more. Exit codes: 0 done, 1 not done or not well, 2 not understood.`;
  const general = [
    ["help [COMMAND]", "prints this, or what there is to know of a command"],
    ["--version", "prints the version"],
  ];
  const settings = "Settings come from the environment, as for the service itself; npm start starts that.";
  if (words.length > 0) return [usage, "", ...table(rows), "", more].join("\n");
  return [usage, "", ...table([...rows, ...general]), "", more, settings].join("\n");
}

function flag(name: string, value: string | undefined): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  return rows.map(([name = "", about]) => `  ${name.padEnd(width)}  ${about}`);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
