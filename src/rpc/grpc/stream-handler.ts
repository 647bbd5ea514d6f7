import { constants } from "node:http2";
import type { handleServerStreamingCall, ServerWritableStream } from "@grpc/grpc-js";
import type { IncomingCall } from "../incoming-calls.ts";
import type { StreamName } from "../rpc-names.ts";
import type { DispatchStream } from "../streams/dispatch-stream.ts";
import type { BinaryCodec } from "./binary-codec.ts";
import { toServerError } from "./server-error.ts";
import { streamOf } from "./transport-of.ts";

type StreamCall = ServerWritableStream<Buffer, Buffer>;

/** Answers calls of one RPC with a stream, as fast as it is read. */
export function createStreamHandler<Name extends StreamName>(
  name: Name,
  codec: BinaryCodec<Name>,
  dispatch: DispatchStream,
  incomingOf: (call: StreamCall) => IncomingCall,
): handleServerStreamingCall<Buffer, Buffer> {
  async function pump(call: StreamCall): Promise<void> {
    const hungUp = new AbortController();
    call.on("cancelled", () => hungUp.abort());
    const reader = { signal: hungUp.signal, cut: () => reset(call) };
    const stream = dispatch(name, codec, call.request, incomingOf(call), reader);
    for (;;) {
      const { done, value } = await stream.next();
      if (done === true) {
        if (value === undefined) call.end();
        else call.emit("error", toServerError(value));
        return;
      }
      if (!call.write(value)) await drained(call, hungUp.signal);
    }
  }

  return (call) => void pump(call);
}

/** Of a message that was under way when its reader went grpc-js tells nothing more. */
function drained(call: StreamCall, hungUp: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off("drain", done);
      hungUp.removeEventListener("abort", done);
      resolve();
    };
    if (hungUp.aborted) return resolve();
    call.once("drain", done);
    hungUp.addEventListener("abort", done);
  });
}

/** A status would wait behind what is not read; this code tells clients UNAVAILABLE, by which they come again. */
function reset(call: StreamCall): void {
  streamOf(call)?.close(constants.NGHTTP2_REFUSED_STREAM);
}
