import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";

/** `cut_off`: there is nobody left to answer. */
export type RawBody =
  /** `release`: it is not needed any more. */
  | { readonly kind: "body"; readonly body: Buffer; release(): void }
  | { readonly kind: "too_large" }
  | { readonly kind: "no_room" }
  | { readonly kind: "cut_off" };

/** Reads a body as it came, of at most so many bytes. */
export type ReadRawBody = (request: Readable & Pick<IncomingMessage, "headers">, maxBytes: number) => Promise<RawBody>;

/**
 * All bodies together hold at most `totalBytes` until they are released. What has arrived counts, not what is announced:
 * who announces much and sends nothing takes nobody's place. Of those that are still arriving the largest gives way:
 * strangers, who can fill all the room and never end, keep out large ones at most.
 */
export function createRawBodies(totalBytes: number): ReadRawBody {
  const arriving = new Set<Arriving>();
  let held = 0;

  /** Whoever arrives now is among them, so that one is enough. */
  function makeRoom(): void {
    let largest: Arriving | undefined;
    for (const one of arriving) if (largest === undefined || one.size >= largest.size) largest = one;
    largest?.end({ kind: "no_room" });
  }

  return (request, maxBytes) => {
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) return Promise.resolve({ kind: "too_large" });
    const { promise, resolve } = Promise.withResolvers<RawBody>();
    const chunks: Buffer[] = [];
    const body: Arriving = { size: 0, end };
    arriving.add(body);

    function end(read: RawBody): void {
      arriving.delete(body);
      request.off("data", take).off("end", complete).off("close", cutOff).off("error", cutOff);
      if (read.kind !== "body") {
        // Nobody reads the rest: the connection ends with the answer.
        request.pause();
        held -= body.size;
        chunks.length = 0;
      }
      resolve(read);
    }
    function take(chunk: Buffer): void {
      held += chunk.length;
      body.size += chunk.length;
      chunks.push(chunk);
      if (body.size > maxBytes) end({ kind: "too_large" });
      else if (held > totalBytes) makeRoom();
    }
    function complete(): void {
      let counted = body.size;
      const release = () => {
        held -= counted;
        counted = 0;
      };
      const [only] = chunks;
      end({ kind: "body", body: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks), release });
    }
    const cutOff = () => end({ kind: "cut_off" });

    request.on("data", take).on("end", complete).on("close", cutOff).on("error", cutOff);
    return promise;
  };
}

/** A body that is not complete. */
interface Arriving {
  /** Bytes that have come. */
  size: number;
  end(read: RawBody): void;
}
