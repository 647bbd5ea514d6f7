import type { Access } from "../domain/access/access.ts";
import type { Caller, Evidence } from "../domain/access/caller.ts";
import type { Arrival, Call } from "../domain/model/call.ts";
import { parseTraceparent, type TraceContext } from "../domain/model/trace-context.ts";
import { randomIds } from "../work/random-ids.ts";
import { countdown } from "./deadline.ts";

/** What a door knows of a call. Doors may work it out when it is asked for: most calls need little of it. */
export interface IncomingCall extends Evidence {
  readonly address: string | undefined;
  /** As the caller sent it. */
  readonly requestId: string | undefined;
  /** The `traceparent` header, as the caller sent it. */
  readonly traceparent: string | undefined;
  /** Undefined: the caller named no deadline. */
  readonly timeoutMs: number | undefined;
}

/** Makes the same Arrival of what any door knows. `method`: the name of the RPC that will run. */
export type ReceiveCall = (method: string, incoming: IncomingCall) => Arrival;

const saneRequestId = /^[\x21-\x7e]{1,128}$/;
/** An IPv4 peer of a socket that listens on IPv6 (RFC 4291 section 2.5.5.2). */
const mappedPrefix = "::ffff:";
const idBytes = 12;

/** A request id that is missing or not printable is replaced. */
export function createReceiveCall(random: (bytes: number) => Buffer): ReceiveCall {
  const newRequestId = randomIds(random, idBytes);
  return (method, incoming) => new ReceivedCall(method, incoming, newRequestId);
}

/** Works out what is asked for, once: a warm call asks for next to nothing. */
class ReceivedCall implements Arrival {
  readonly method: string;
  readonly remainingMs: () => number;
  readonly #incoming: IncomingCall;
  readonly #newRequestId: () => string;
  #requestId: string | undefined;

  constructor(method: string, incoming: IncomingCall, newRequestId: () => string) {
    this.method = method;
    this.remainingMs = countdown(incoming.timeoutMs);
    this.#incoming = incoming;
    this.#newRequestId = newRequestId;
  }

  get address(): string | undefined {
    const { address } = this.#incoming;
    return address?.startsWith(mappedPrefix) ? address.slice(mappedPrefix.length) : address;
  }

  get requestId(): string {
    if (this.#requestId === undefined) {
      const { requestId } = this.#incoming;
      this.#requestId = requestId !== undefined && saneRequestId.test(requestId) ? requestId : this.#newRequestId();
    }
    return this.#requestId;
  }

  get trace(): TraceContext | undefined {
    return parseTraceparent(this.#incoming.traceparent);
  }
}

/**
 * The call of a caller that is known.
 * @throws ServiceError CALLER_NOT_ALLOWED if it may not call this method at all.
 */
export function identified(arrival: Arrival, caller: Caller): Call {
  return new IdentifiedCall(arrival, caller);
}

class IdentifiedCall implements Call {
  readonly caller: string;
  readonly access: Access;
  readonly policyHash: string | undefined;
  readonly method: string;
  readonly #arrival: Arrival;

  constructor(arrival: Arrival, caller: Caller) {
    this.caller = caller.name;
    this.access = caller.access(arrival.method);
    this.policyHash = caller.policyHash;
    this.method = arrival.method;
    this.#arrival = arrival;
  }

  get address(): string | undefined {
    return this.#arrival.address;
  }

  get requestId(): string {
    return this.#arrival.requestId;
  }

  get trace(): TraceContext | undefined {
    return this.#arrival.trace;
  }

  remainingMs(): number {
    return this.#arrival.remainingMs();
  }
}
