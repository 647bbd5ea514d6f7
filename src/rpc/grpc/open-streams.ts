import { status } from "@grpc/grpc-js";
import { connectionOf } from "./transport-of.ts";

/** A call that stays open until somebody ends it. */
interface Stream {
  on(event: "cancelled" | "finish" | "close" | "error", listener: () => void): unknown;
  emit(event: "error", error: { readonly code: status; readonly details: string }): boolean;
}

/** The streams that would keep a server from closing. Nobody has to prove who they are for one: there are not many. */
export interface OpenStreams {
  /**
   * Keeps account of a stream until it ends; `onEnd` is then called once. False: it is refused with RESOURCE_EXHAUSTED,
   * since its connection, or all of them, have too many.
   */
  add(stream: Stream, onEnd?: () => void): boolean;
  /** Ends all of them, and every later one at once, with UNAVAILABLE: clients try another replica. */
  end(): void;
}

export interface StreamLimits {
  readonly perConnection: number;
  readonly inAll: number;
}

/** Clients watch once for each connection, and describe the server with one stream. */
const defaultLimits: StreamLimits = { perConnection: 10, inAll: 2_000 };

export function createOpenStreams({ perConnection, inAll } = defaultLimits): OpenStreams {
  const open = new Set<Stream>();
  const ofConnection = new WeakMap<object, number>();
  let ended = false;

  return {
    add(stream, onEnd) {
      const connection = connectionOf(stream) ?? stream;
      const already = ofConnection.get(connection) ?? 0;
      if (open.size >= inAll || already >= perConnection) {
        refuse(stream, status.RESOURCE_EXHAUSTED, "too many streams are open");
        return false;
      }
      open.add(stream);
      ofConnection.set(connection, already + 1);
      const forget = () => {
        if (!open.delete(stream)) return;
        ofConnection.set(connection, (ofConnection.get(connection) ?? 1) - 1);
        onEnd?.();
      };
      for (const event of ["cancelled", "finish", "close", "error"] as const) stream.on(event, forget);
      if (ended) endStream(stream);
      return true;
    },
    end() {
      ended = true;
      for (const stream of open) endStream(stream);
    },
  };
}

function endStream(stream: Stream): void {
  refuse(stream, status.UNAVAILABLE, "this replica is shutting down");
}

function refuse(stream: Stream, code: status, details: string): void {
  stream.emit("error", { code, details });
}
