import type { Caller } from "../../domain/access/caller.ts";
import { ServiceError } from "../../errors.ts";
import { createCallChecks, nobody, type RunningCall } from "../call-checks.ts";
import type { Codec, DispatchParts } from "../dispatch.ts";
import type { Failure } from "../errors/failure.ts";
import type { IncomingCall } from "../incoming-calls.ts";
import type { StreamProcedures } from "../procedures.ts";
import type { StreamName } from "../rpc-names.ts";
import { createOpenCalls } from "./open-calls.ts";

/** The other end of a stream, as its door knows it. */
export interface Reader {
  /** Aborted when it has hung up. */
  readonly signal: AbortSignal;
  /** Cuts the stream without waiting for what is under way. */
  readonly cut: () => void;
}

/**
 * Runs one call that is answered with a stream, as `Dispatch` does those that are answered once. Messages are made as they
 * are taken; who takes none for 30 s is cut. What it returns at last is why it ended; undefined: as it should.
 */
export type DispatchStream = <Name extends StreamName, WireRequest, WireResponse>(
  name: Name,
  codec: Codec<Name, WireRequest, WireResponse>,
  request: WireRequest,
  incoming: IncomingCall,
  reader: Reader,
) => AsyncGenerator<WireResponse, Failure | undefined, undefined>;

/** A reader that takes nothing for so long is not there any more. */
const patienceMs = 30_000;

export function createDispatchStream(parts: DispatchParts): DispatchStream {
  const { authenticate, openCalls = createOpenCalls(), readerPatienceMs = patienceMs } = parts;
  const procedures: StreamProcedures = parts.procedures;
  const checks = createCallChecks(parts);

  return async function* (name, codec, wireRequest, incoming, reader) {
    const arrival = checks.receive(name, incoming);
    const running: RunningCall = { arrival, started: performance.now(), asking: nobody };
    const ending = new AbortController();
    let forget: (() => void) | undefined;
    let failure: Failure | undefined;
    let told = false;

    const tooSlow = () => {
      ending.abort(new ServiceError("SERVICE_UNAVAILABLE", "nothing of the stream was read for too long"));
      reader.cut();
    };

    try {
      const caller = await authenticate(incoming);
      running.asking = caller;
      const call = checks.admit(arrival, caller);
      const request = checks.accept(name, () => codec.read(wireRequest));
      const stillAllowed = async () => keepSight(caller, await authenticate(incoming), call.method);
      forget = openCalls.add({ caller: call.caller, stillAllowed, end: (reason) => ending.abort(reason) });
      const signal = AbortSignal.any([ending.signal, reader.signal]);
      for await (const message of procedures[name](request, call, signal)) {
        signal.throwIfAborted();
        const taken = setTimeout(tooSlow, readerPatienceMs);
        try {
          yield codec.write(message);
        } finally {
          clearTimeout(taken);
        }
        signal.throwIfAborted();
      }
    } catch (error) {
      if (ending.signal.aborted || !reader.signal.aborted) {
        told = true;
        failure = checks.failed(running, ending.signal.aborted ? ending.signal.reason : error);
      }
    } finally {
      forget?.();
      if (!told && ending.signal.aborted) checks.failed(running, ending.signal.reason);
      else if (!told) checks.ended(running, reader.signal.aborted ? "CANCELLED" : "OK");
    }
    return failure;
  };
}

/** What it may see now has to be what it saw when the stream began: otherwise it has to begin anew. */
function keepSight(before: Caller, now: Caller, method: string): void {
  const sight = now.access(method).visible(undefined).key;
  if (now.name === before.name && sight === before.access(method).visible(undefined).key) return;
  throw new ServiceError("SERVICE_UNAVAILABLE", "what this caller may see has changed: watch again");
}
