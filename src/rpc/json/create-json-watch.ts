import type { DispatchParts } from "../dispatch.ts";
import { createDispatchStream } from "../streams/dispatch-stream.ts";
import type { JsonStream } from "./json-calls.ts";
import { jsonCodec } from "./json-codec.ts";
import { refusal } from "./refusal.ts";

/** WatchInstallations for pages: the same rules, bounds and log line as at every door. */
export function createJsonWatch(options: DispatchParts): JsonStream {
  const dispatch = createDispatchStream(options);
  const codec = jsonCodec("watchInstallations");
  return async function* (request, context, reader) {
    const failure = yield* dispatch("watchInstallations", codec, request, { timeoutMs: undefined, ...context }, reader);
    return failure === undefined ? undefined : refusal(failure);
  };
}
