import type { Secret } from "../../src/secret.ts";

/** One message again and again over so many connections. */
export interface SteadyLoad {
  readonly protocol: "grpc" | "http";
  readonly address: string;
  readonly path: string;
  /** Undefined: a GET, of HTTP alone. */
  readonly body: Buffer | undefined;
  /** The `authorization` header of every call; none if undefined. */
  readonly authorization?: Secret | undefined;
  readonly connections: number;
  /** Calls under way on each connection. */
  readonly streams: number;
  readonly seconds: number;
  /** Undefined: as many as get through. */
  readonly callsPerSecond?: number;
}

export interface SteadyReport {
  readonly callsPerSecond: number;
  /** Ascending. */
  readonly latenciesMs: Float64Array;
  /** Mean size of an answer's body; undefined if the client does not say. */
  readonly bytesPerAnswer: number | undefined;
}
