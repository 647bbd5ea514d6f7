import type { Access } from "../access/access.ts";
import type { TraceContext } from "./trace-context.ts";

/** A call that has arrived; nobody knows yet whose it is. */
export interface Arrival {
  /** The peer's address, for the record. */
  readonly address: string | undefined;
  readonly requestId: string;
  /** The RPC's name. */
  readonly method: string;
  /** The trace it belongs to, where there is one. */
  readonly trace: TraceContext | undefined;
  /** Milliseconds the caller still waits. */
  remainingMs(): number;
}

/** Who asks, what they may do, and how long they wait. Made by each door, the same for all of them. */
export interface Call extends Arrival {
  /** The caller's name; `anonymous` where callers are not told apart. */
  readonly caller: string;
  /** What the caller may do by this method. */
  readonly access: Access;
  /** SHA-256 of the caller file; undefined where there is none. */
  readonly policyHash: string | undefined;
}
