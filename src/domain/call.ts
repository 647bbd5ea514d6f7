import type { TraceContext } from "./trace-context.ts";

/** Who asks, and how long they wait. Made by each door, the same for all of them. */
export interface Call {
  /** The caller's name; `anonymous` while callers are not authenticated. */
  readonly caller: string;
  /** The peer's address, for the record. */
  readonly address: string | undefined;
  readonly requestId: string;
  /** The RPC's name. */
  readonly method: string;
  /** The trace it belongs to, where there is one. */
  readonly trace?: TraceContext | undefined;
  /** Milliseconds the caller still waits. */
  remainingMs(): number;
}
