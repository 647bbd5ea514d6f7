export type ServingStatus = "SERVING" | "NOT_SERVING";

/** Whether this process should be sent calls: set by whoever knows, watched by the health service. */
export interface HealthStatus {
  readonly current: ServingStatus;
  set(status: ServingStatus): void;
  /** Told of every change from now on. Returns how to stop. */
  subscribe(listener: (status: ServingStatus) => void): () => void;
}

/** NOT_SERVING until someone sets it. */
export function createHealthStatus(): HealthStatus {
  let current: ServingStatus = "NOT_SERVING";
  const listeners = new Set<(status: ServingStatus) => void>();

  return {
    get current() {
      return current;
    },
    set(status) {
      if (status === current) return;
      current = status;
      for (const listener of listeners) listener(status);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
