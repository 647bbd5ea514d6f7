/** What scripts can branch on. Ctrl-C is 130, as shells have it. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notConnected: 3,
  denied: 4,
  expired: 5,
  unreachable: 6,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command that did not do what it was asked: its message is for the person, its reason and exit code for scripts. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: ExitCode;
  readonly reason: string;

  constructor(exit: keyof typeof exitCodes, reason: string, message: string) {
    super(message);
    this.exitCode = exitCodes[exit];
    this.reason = reason;
  }
}

/** What was typed does not fit together. */
export function usage(message: string): Failure {
  return new Failure("usage", "USAGE", message);
}

/** The person stopped the command, or the system did. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly signal: "SIGINT" | "SIGTERM" | "SIGHUP";

  constructor(signal: Interrupted["signal"]) {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }

  /** As shells tell it. */
  get exitCode(): number {
    return { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[this.signal];
  }
}
