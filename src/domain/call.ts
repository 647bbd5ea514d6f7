/** Who asks, and how long they wait. Made by each door, the same for all of them. */
export interface Call {
  /** The caller's name; `anonymous` while callers are not authenticated. */
  readonly caller: string;
  /** The peer's address, for the record. */
  readonly address: string | undefined;
  readonly requestId: string;
  /** The RPC's name. */
  readonly method: string;
  /** Milliseconds the caller still waits. */
  remainingMs(): number;
}
