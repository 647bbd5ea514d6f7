import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

/** `completion bash|zsh|fish`, and what the scripts that it prints ask. */
export function addCompletion(program: Command): void {
  const completions = tab(program, { completionCommandName: "completion" });
  for (const command of completions.commands.values()) {
    const platform = command.options.get("platform");
    if (platform === undefined) continue;
    platform.handler = (complete) => {
      for (const name of ["github", "github-oauth", "jira", "confluence", "slack", "sentry"]) complete(name, "");
    };
  }
}
