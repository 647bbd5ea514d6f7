import { statedSettings } from "../postgres-target.ts";
import type { Reader } from "./settings.ts";

const stated: ReadonlySet<string> = new Set(statedSettings.map((name) => name.toLowerCase()));

/** Parameters of a URL that say how a session is to be. */
export const sessionParameters: ReadonlySet<string> = new Set(["options", "search_path", "schema", "currentSchema"]);

/**
 * What a URL asks of every session: libpq's `options` (`-c name=value`, `--name=value`), and the schema of our tables,
 * as a search path or by its name. Whatever is not understood, or is the service's to say, is a problem.
 */
export function readSessionParameters(
  reader: Reader,
  setting: string,
  parameters: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const asked = new Map<string, string>();
  const ask = (name: string, value: string) => {
    if (stated.has(name.toLowerCase())) {
      reader.problem(setting, `it asks for ${name}, which the service sets itself`, "take it out");
    }
    const before = asked.get(name);
    asked.set(name, value);
    if (before === undefined || before === value) return;
    reader.problem(setting, `it asks for two different values of ${name}`, "name one");
  };
  for (const [name, value] of readOptions(reader, setting, parameters.get("options") ?? "")) ask(name, value);
  const path = parameters.get("search_path");
  if (path !== undefined) ask("search_path", path);
  for (const name of ["schema", "currentSchema"]) {
    const schema = parameters.get(name);
    if (schema !== undefined) ask("search_path", `"${schema.replaceAll('"', '""')}"`);
  }
  return Object.fromEntries(asked);
}

/** The server's command line: words are parted by blanks, and a backslash takes what follows it as it is. */
function readOptions(reader: Reader, setting: string, text: string): readonly (readonly [string, string])[] {
  const words = (text.match(/(?:\\.|\S)+/gs) ?? []).map((word) => word.replace(/\\(.)/gs, "$1"));
  // `-c name=value` is one word or two.
  const joined = words.map((word, i) => (words[i - 1] === "-c" ? `-c${word}` : word)).filter((word) => word !== "-c");
  return joined.flatMap((word) => {
    const found = /^(?:-c|--)(?<name>[\w.-]+)=(?<value>.*)$/s.exec(word)?.groups;
    if (found?.name !== undefined) return [[found.name.replaceAll("-", "_"), found.value ?? ""] as const];
    reader.problem(setting, "its options hold more than -c name=value", "set them by other means");
    return [];
  });
}
