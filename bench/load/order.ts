/** Calls to make. */
export interface LoadOrder {
  readonly protocol: "grpc" | "http";
  /** `host:port`; each gets `connections` of its own. */
  readonly addresses: readonly string[];
  readonly connections: number;
  readonly path: string;
  /** Messages, taken in turn; none: GETs, of HTTP alone. */
  readonly bodies: readonly Buffer[];
  /** The `authorization` header of every call; none if undefined. Only ever sent to a child process. */
  readonly authorization?: string | undefined;
  /** Calls that are always under way. */
  readonly inFlight: number;
  readonly stop:
    | { readonly kind: "seconds"; readonly seconds: number }
    | { readonly kind: "calls"; readonly calls: number };
}

export interface LoadReport {
  /** In the order in which calls ended. */
  readonly latenciesMs: Float64Array;
  readonly failed: number;
  readonly firstFailure: string | undefined;
  readonly seconds: number;
}

/** Calls per second. */
export function rateOf({ latenciesMs, seconds }: LoadReport): number {
  return latenciesMs.length / seconds;
}
