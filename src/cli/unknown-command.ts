import { UsageError } from "./command.ts";
import { commands } from "./commands.ts";
import { nearName } from "./near-name.ts";

/** What is said to words that name no command: what there is instead, or what was most likely meant. */
export function unknownCommand(args: readonly string[]): UsageError {
  const [first = "", second = ""] = args.filter((arg, index) => index === 0 || !arg.startsWith("-"));
  if (first === "") return new UsageError("no command was given");
  if (first.startsWith("-"))
    return unknown(first, nearName(first.replace(/^-+/, ""), ["help", "json", "version"]), "--");
  const group = commands.filter((entry) => entry.words[0] === first).map((entry) => entry.words.join(" "));
  if (group.length > 0 && second === "") {
    return new UsageError(`${first} is no command by itself`, `there are ${group.join(", ")}`);
  }
  const names = commands.map((entry) => entry.words.join(" "));
  const firsts = commands.map((entry) => entry.words[0] ?? "");
  const both = `${first} ${second}`.trim();
  const meant = nearName(both, names) ?? nearName(first.replaceAll("-", " "), names) ?? nearName(first, firsts);
  return unknown(`command ${group.length > 0 ? both : first}`, meant);
}

function unknown(what: string, meant: string | undefined, dashes = ""): UsageError {
  return new UsageError(`there is no ${what}`, meant === undefined ? undefined : `did you mean ${dashes}${meant}?`);
}
