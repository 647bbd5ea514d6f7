import { status } from "@grpc/grpc-js";

/** A call that stays open until somebody ends it. */
interface Stream {
  on(event: "cancelled" | "finish" | "close" | "error", listener: () => void): unknown;
  emit(event: "error", error: { readonly code: status; readonly details: string }): boolean;
}

/** The streams that would keep a server from closing. */
export interface OpenStreams {
  /** Keeps account of a stream until it ends; `onEnd` is then called once. */
  add(stream: Stream, onEnd?: () => void): void;
  /** Ends all of them, and every later one at once, with UNAVAILABLE: clients try another replica. */
  end(): void;
}

export function createOpenStreams(): OpenStreams {
  const open = new Set<Stream>();
  let ended = false;

  return {
    add(stream, onEnd) {
      open.add(stream);
      const forget = () => {
        if (open.delete(stream)) onEnd?.();
      };
      for (const event of ["cancelled", "finish", "close", "error"] as const) stream.on(event, forget);
      if (ended) endStream(stream);
    },
    end() {
      ended = true;
      for (const stream of open) endStream(stream);
    },
  };
}

function endStream(stream: Stream): void {
  stream.emit("error", { code: status.UNAVAILABLE, details: "this replica is shutting down" });
}
