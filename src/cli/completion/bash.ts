import { program } from "../program.ts";
import type { Completions } from "./completions.ts";

/** What stands behind the words of a command, values of options too, is left off until they are found. */
export function bashCompletion(completions: Completions): string {
  const valued = new Set(
    completions.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue).map(({ word }) => word)),
  );
  const cases = completions.map(({ words, next, options }) => {
    const found = [...next, ...options].map(({ word }) => word).join(" ");
    return `      ${words.length === 0 ? '""' : `"${words.join(" ")}"`}) found="${found}"; break ;;`;
  });
  return `_oauth_token_service() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words="" found="" i
  COMPREPLY=()
  case "$before" in ${[...valued].join("|")}) return ;; esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      -*) ;;
      *) words="\${words:+$words }\${COMP_WORDS[i]}" ;;
    esac
  done
  while :; do
    case "$words" in
${cases.join("\n")}
    esac
    case "$words" in *" "*) words="\${words% *}" ;; *) words="" ;; esac
  done
  COMPREPLY=($(compgen -W "$found" -- "$current"))
}
complete -o default -F _oauth_token_service ${program}`;
}
