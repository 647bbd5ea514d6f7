import type { IncomingMessage } from "node:http";

/** `cut_off`: there is nobody left to answer. */
export type RawBody =
  /** `release`: it is not needed any more. */
  | { readonly kind: "body"; readonly body: Buffer; release(): void }
  | { readonly kind: "too_large" }
  | { readonly kind: "no_room" }
  | { readonly kind: "cut_off" };

/** Reads a body as it came, of at most so many bytes. */
export type ReadRawBody = (request: IncomingMessage, maxBytes: number) => Promise<RawBody>;

/**
 * All bodies together hold at most `totalBytes` until they are released. What has arrived counts, not what is announced:
 * who announces much and sends nothing takes nobody's place.
 */
export function createRawBodies(totalBytes: number): ReadRawBody {
  let held = 0;

  return (request, maxBytes) => {
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) return Promise.resolve({ kind: "too_large" });
    const { promise, resolve } = Promise.withResolvers<RawBody>();
    const chunks: Buffer[] = [];
    let size = 0;

    function end(read: RawBody): void {
      request.off("data", take).off("end", complete).off("close", cutOff).off("error", cutOff);
      if (read.kind !== "body") {
        // Nobody reads the rest: the connection ends with the answer.
        request.pause();
        held -= size;
      }
      resolve(read);
    }
    function take(chunk: Buffer): void {
      held += chunk.length;
      size += chunk.length;
      if (size > maxBytes) end({ kind: "too_large" });
      else if (held > totalBytes) end({ kind: "no_room" });
      else chunks.push(chunk);
    }
    function complete(): void {
      let counted = size;
      const release = () => {
        held -= counted;
        counted = 0;
      };
      end({ kind: "body", body: Buffer.concat(chunks), release });
    }
    const cutOff = () => end({ kind: "cut_off" });

    request.on("data", take).on("end", complete).on("close", cutOff).on("error", cutOff);
    return promise;
  };
}
