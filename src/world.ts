/** Writes one JSON line per event. Fields, not sentences; never a secret, a code, a state or a message body. */
export interface Log {
  trace(fields: LogFields, event: string): void;
  /** Fields given as a function are not worked out where nobody reads them: warm calls log at this level. */
  debug(fields: LogFields | (() => LogFields), event: string): void;
  info(fields: LogFields, event: string): void;
  warn(fields: LogFields, event: string): void;
  error(fields: LogFields, event: string): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Everything the service takes from outside itself, injected once. */
export interface World {
  /** The wall clock. */
  readonly now: () => Date;
  /** The only way to a platform. */
  readonly fetch: typeof globalThis.fetch;
  /** As `fetch`, to addresses that an operator's file names while the service runs. */
  readonly fetchNamed: typeof globalThis.fetch;
  /** Cryptographically strong random bytes. */
  readonly random: (bytes: number) => Buffer;
  readonly log: Log;
}
