import { program } from "../program.ts";
import type { Completions } from "./completions.ts";

/** A line for each candidate, with what has to stand before it. */
export function fishCompletion(completions: Completions): string {
  const lines = completions.flatMap(({ words, next, options }) => {
    const here = `__oauth_token_service_at ${words.map(quoted).join(" ")}`.trimEnd();
    const further = next.map(({ word }) => word).join(" ");
    const only = further === "" ? "" : `; and not __fish_seen_subcommand_from ${further}`;
    return [
      ...next.map(({ word, about }) => line(`${here}${only}`, `-f -a ${quoted(word)} -d ${quoted(about)}`)),
      ...options.map(({ word, about, takesValue }) =>
        line(`${here}${only}`, `-l ${word.slice(2)}${takesValue ? " -r" : ""} -d ${quoted(about)}`),
      ),
    ];
  });
  return `function __oauth_token_service_at
  set -l words (commandline -opc)
  set -l given
  for word in $words[2..-1]
    string match -q -- '-*' $word; or set -a given $word
  end
  test (count $argv) -eq 0; or test "$argv" = "$given[1..(count $argv)]"
end
${lines.join("\n")}`;
}

function line(condition: string, what: string): string {
  return `complete -c ${program} -n ${quoted(condition)} ${what}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
