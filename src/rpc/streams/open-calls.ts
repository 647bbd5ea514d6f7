import { ServiceError } from "../../errors.ts";

/** A stream that is being answered. */
export interface OpenCall {
  readonly caller: string;
  /** @throws ServiceError if the caller may not have it any more. */
  readonly stillAllowed: () => Promise<void> | void;
  /** Ends it with a refusal. */
  readonly end: (reason: unknown) => void;
}

/** The streams that are being answered, of all doors. */
export interface OpenCalls {
  /**
   * Keeps account of one; returns how to stop.
   * @throws ServiceError CALLER_RATE_LIMITED if the caller has too many, SERVICE_UNAVAILABLE if the process does or ends.
   */
  add(call: OpenCall): () => void;
  /** Ends those whose callers have lost their key or their right. */
  check(): Promise<void>;
  /** Ends all of them, and every later one at once. */
  end(): void;
  readonly size: number;
}

/** All that one caller may have, and all there may be. */
const most = { perCaller: 100, inAll: 1_000 };

export function createOpenCalls({ perCaller, inAll } = most): OpenCalls {
  const open = new Set<OpenCall>();
  const ofCaller = new Map<string, number>();
  let ended = false;

  return {
    get size() {
      return open.size;
    },

    add(call) {
      const { caller } = call;
      const already = ofCaller.get(caller) ?? 0;
      if (ended) throw shuttingDown();
      if (already >= perCaller) throw new ServiceError("CALLER_RATE_LIMITED", "this caller has too many streams open");
      if (open.size >= inAll) throw new ServiceError("SERVICE_UNAVAILABLE", "too many streams are open");
      open.add(call);
      ofCaller.set(caller, already + 1);
      return () => {
        if (!open.delete(call)) return;
        const left = (ofCaller.get(caller) ?? 1) - 1;
        if (left === 0) ofCaller.delete(caller);
        else ofCaller.set(caller, left);
      };
    },

    async check() {
      for (const call of [...open]) {
        try {
          await call.stillAllowed();
        } catch (error) {
          call.end(error);
        }
      }
    },

    end() {
      ended = true;
      for (const call of open) call.end(shuttingDown());
    },
  };
}

function shuttingDown(): ServiceError {
  return new ServiceError("SERVICE_UNAVAILABLE", "this replica is shutting down");
}
