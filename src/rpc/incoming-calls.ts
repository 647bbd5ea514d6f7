import type { Call } from "../domain/call.ts";
import { parseTraceparent } from "../domain/trace-context.ts";
import { countdown } from "./deadline.ts";

/** What a door knows of a call. */
export interface IncomingCall {
  /** The RPC's name. */
  readonly method: string;
  readonly address: string | undefined;
  /** As the caller sent it. */
  readonly requestId: string | undefined;
  /** The `traceparent` header, as the caller sent it. */
  readonly traceparent?: string | undefined;
  /** Undefined: the caller named no deadline. */
  readonly timeoutMs: number | undefined;
}

/** Makes the same Call of what any door knows. */
export type ReceiveCall = (incoming: IncomingCall) => Call;

const saneRequestId = /^[\x21-\x7e]{1,128}$/;
/** An IPv4 peer of a socket that listens on IPv6 (RFC 4291 section 2.5.5.2). */
const mappedPrefix = "::ffff:";
const idBytes = 12;
const idsPerDraw = 256;

/** Calls of callers that nobody has authenticated. A request id that is missing or not printable is replaced. */
export function createReceiveCall(random: (bytes: number) => Buffer): ReceiveCall {
  let pool: Buffer = Buffer.alloc(0);
  let used = 0;

  return ({ method, address, requestId, traceparent, timeoutMs }) => ({
    caller: "anonymous",
    address: address?.startsWith(mappedPrefix) ? address.slice(mappedPrefix.length) : address,
    requestId: requestId !== undefined && saneRequestId.test(requestId) ? requestId : newRequestId(),
    method,
    trace: parseTraceparent(traceparent),
    remainingMs: countdown(timeoutMs),
  });

  // Drawn in bulk: one draw for each call would cost more than the rest of this function.
  function newRequestId(): string {
    if (used === pool.length) {
      pool = random(idBytes * idsPerDraw);
      used = 0;
    }
    used += idBytes;
    return pool.toString("hex", used - idBytes, used);
  }
}
