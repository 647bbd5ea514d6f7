/** `skipped`: nothing can be said of it; `warning`: the service works, for now. Only `failed` is an exit code. */
export type State = "ok" | "warning" | "failed" | "skipped";

/** What was found of one part, without any secret. */
export interface Finding {
  /** What was looked at: `settings`, `database`, a platform's name. */
  readonly check: string;
  readonly state: State;
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string | undefined;
}

/** The findings of one part, by its name. */
export function findingsOf(check: string) {
  return (state: State, found: string, fix?: string): Finding => ({ check, state, found, fix });
}

/** Why something did not work, for the operator. */
export function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : "no reason was given";
}
