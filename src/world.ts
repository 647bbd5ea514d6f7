/** Writes one JSON line per event. Fields, not sentences; never a secret, a code, a state or a message body. */
export interface Log {
  trace(fields: LogFields, event: string): void;
  /** Fields given as a function are not worked out where nobody reads them: warm calls log at this level. */
  debug(fields: LogFields | (() => LogFields), event: string): void;
  info(fields: LogFields, event: string): void;
  warn(fields: LogFields, event: string): void;
  error(fields: LogFields, event: string): void;
  /** How many lines were given up so far because nobody read them; absent where none are. */
  readonly dropped?: () => number;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** The clock behind `World.now`: it carries the database's time on, so that all replicas decide by the same. */
export interface ServiceClock {
  /**
   * From here on this time counts, in milliseconds since 1970; it is asked for at once.
   * @throws what `readMs` throws.
   */
  follow(readMs: () => Promise<number>, log: Log): Promise<void>;
  /** Asks again; one question at a time. @throws what `readMs` throws. */
  measure(): Promise<void>;
  /** False: since the last answer this machine's clock was set, or the machine stood still. `measure` tells. */
  isSteady(): boolean;
  /** What this machine's own clock says. */
  machineNow(): Date;
  /** Undefined before the first answer. */
  read(): ServiceClockReading | undefined;
}

export interface ServiceClockReading {
  /** How far this machine's clock is ahead of the time that counts. */
  readonly skewMs: number;
  /** By so much that somebody has to look at it. */
  readonly skewed: boolean;
}

/** Everything the service takes from outside itself, injected once. */
export interface World {
  /** The time by which everything is decided. Never compared with what another clock says. */
  readonly now: () => Date;
  /** What keeps `now` right; without one it is right by itself. */
  readonly clock?: ServiceClock | undefined;
  /** The only way to a platform. */
  readonly fetch: typeof globalThis.fetch;
  /** As `fetch`, to addresses that an operator's file names while the service runs. */
  readonly fetchNamed: typeof globalThis.fetch;
  /** Cryptographically strong random bytes. */
  readonly random: (bytes: number) => Buffer;
  readonly log: Log;
}
