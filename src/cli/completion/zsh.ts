import { program } from "../program.ts";
import type { Candidate, Completions } from "./completions.ts";

export function zshCompletion(completions: Completions): string {
  const cases = completions.map(({ words, next, options }) => {
    const found = [...next, ...options].map(described).join(" ");
    return `      '${words.join(" ")}') found=(${found}); break ;;`;
  });
  const valued = new Set(
    completions.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue).map(({ word }) => word)),
  );
  return `#compdef ${program}
_oauth_token_service() {
  local -a found given
  local i joined
  local -r valued='^(${[...valued].join("|")})$'
  if [[ "\${words[CURRENT-1]}" =~ $valued ]]; then _files; return; fi
  for ((i = 2; i < CURRENT; i++)); do
    [[ "\${words[i]}" == -* ]] || given+=("\${words[i]}")
  done
  while :; do
    joined="\${(j: :)given}"
    case "$joined" in
${cases.join("\n")}
    esac
    given=("\${(@)given[1,-2]}")
  done
  _describe '${program}' found || _files
}
compdef _oauth_token_service ${program}`;
}

/** In `_describe` a colon parts the word from what is said of it. */
function described({ word, about }: Candidate): string {
  return `'${word.replaceAll(":", "\\:")}:${about.replaceAll("'", "'\\''")}'`;
}
