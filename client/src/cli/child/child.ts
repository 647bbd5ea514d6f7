/** A program that was started. */
export interface Child {
  /** Its exit code, or the signal that ended it. @throws the system's error if it could not be started. */
  readonly ended: Promise<Ended>;
  signal(signal: NodeJS.Signals): void;
}

export type Ended =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: NodeJS.Signals };

/** What is passed on to a program that runs in our place. */
export const passedOn = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

export type PassedOn = (typeof passedOn)[number];
