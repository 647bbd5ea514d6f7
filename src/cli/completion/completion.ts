import { type Command, UsageError } from "../command.ts";
import type { Entry } from "../entry.ts";
import { bashCompletion } from "./bash.ts";
import { type Completions, completionsOf } from "./completions.ts";
import { fishCompletion } from "./fish.ts";
import { zshCompletion } from "./zsh.ts";

const shells: Readonly<Record<string, (completions: Completions) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `completion bash|zsh|fish`: a script that knows the commands, so that a key press starts no process of ours. */
export function completionCommand(entries: readonly Entry[]): Command<readonly [string]> {
  return async ({ arguments: [shell] }, { print }) => {
    const write = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
    if (write === undefined) {
      throw new UsageError(
        `there is no completion for ${JSON.stringify(shell)}`,
        `there is ${Object.keys(shells).join(", ")}`,
      );
    }
    const script = write(completionsOf(entries));
    print(script);
    return { code: 0, result: { shell, script } };
  };
}
