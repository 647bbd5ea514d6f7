/** How many in how long. */
export interface WindowLimit {
  readonly most: number;
  readonly windowSeconds: number;
}

/** Counts that all replicas share, by the database's clock. A window begins with its first count. */
export interface RateLimits {
  /**
   * Counts one more. Returns 0, or the milliseconds until the window ends if that was too much.
   * @throws ServiceError SERVICE_UNAVAILABLE if nobody can tell.
   */
  count(key: string, limit: WindowLimit): Promise<number>;
  /** Takes one back that was counted in a window that is still open. */
  giveBack(key: string): Promise<void>;
  /** Forgets the windows that have ended. */
  prune(): Promise<void>;
}
