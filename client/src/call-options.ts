/** What one call may take and who may end it. */
export interface CallOptions {
  /** Ends the waiting of this caller alone, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Seconds, or as protobuf writes them: `"300s"`. */
export type Seconds = number | `${number}s`;
