import type { Caller } from "../domain/access/caller.ts";
import { silentTelemetry } from "../domain/model/telemetry.ts";
import { type CallParts, createCallChecks, nobody, type RunningCall } from "./call-checks.ts";
import type { Failure } from "./errors/failure.ts";
import type { IncomingCall } from "./incoming-calls.ts";
import type { Procedures, UnaryProcedures } from "./procedures.ts";
import type { RequestOf, ResponseOf, RpcName, UnaryName } from "./rpc-names.ts";
import type { OpenCalls } from "./streams/open-calls.ts";

export type Outcome<Wire> =
  | { readonly kind: "answered"; readonly response: Wire }
  | { readonly kind: "failed"; readonly failure: Failure };

/** How a door carries an RPC's messages. */
export interface Codec<in out Name extends RpcName, in WireRequest, out WireResponse> {
  /** Throws if the content is no request; the message reaches the caller. */
  readonly read: (request: WireRequest) => RequestOf<Name>;
  readonly write: (response: ResponseOf<Name>) => WireResponse;
}

/**
 * Runs one call from its arrival to its outcome: who asks, whether they may, the request and its rules, the procedure;
 * maps what is thrown, writes one log line, tells of it. Neither throws nor rejects, and goes on when the caller hangs up.
 */
export type Dispatch = <Name extends UnaryName, WireRequest, WireResponse>(
  name: Name,
  codec: Codec<Name, WireRequest, WireResponse>,
  request: WireRequest,
  incoming: IncomingCall,
) => Outcome<WireResponse> | Promise<Outcome<WireResponse>>;

export interface DispatchParts extends CallParts {
  readonly procedures: Procedures;
  /** Where streams are kept account of, those of all doors together; of this door alone by default. */
  readonly openCalls?: OpenCalls | undefined;
  /** Who takes nothing of a stream for so long is cut. 30 s by default. */
  readonly readerPatienceMs?: number | undefined;
}

/** A call on its way to one answer. */
interface Running<Name extends UnaryName, WireRequest, WireResponse> extends RunningCall {
  readonly name: Name;
  readonly codec: Codec<Name, WireRequest, WireResponse>;
  readonly wireRequest: WireRequest;
  readonly incoming: IncomingCall;
}

export function createDispatch(parts: DispatchParts): Dispatch {
  const { authenticate, telemetry = silentTelemetry } = parts;
  const procedures: UnaryProcedures = parts.procedures;
  const checks = createCallChecks(parts);

  return (name, codec, wireRequest, incoming) =>
    telemetry.inCall(checks.receive(name, incoming), (arrival) =>
      run({ name, codec, wireRequest, incoming, arrival, started: performance.now(), asking: nobody }),
    );

  /** Without a promise where nothing has to be waited for: on the warm path promises cost more than the work. */
  function run<Name extends UnaryName, WireRequest, WireResponse>(
    running: Running<Name, WireRequest, WireResponse>,
  ): Outcome<WireResponse> | Promise<Outcome<WireResponse>> {
    try {
      const answer = identify(running);
      if (!(answer instanceof Promise)) return answered(running, answer);
      return answer.then((response) => answered(running, response)).catch((error: unknown) => failed(running, error));
    } catch (error) {
      return failed(running, error);
    }
  }

  function identify<Name extends UnaryName, WireRequest, WireResponse>(
    running: Running<Name, WireRequest, WireResponse>,
  ) {
    const proven = authenticate(running.incoming);
    if (proven instanceof Promise) return proven.then((caller) => answerTo(caller, running));
    return answerTo(proven, running);
  }

  function answerTo<Name extends UnaryName, WireRequest, WireResponse>(
    caller: Caller,
    running: Running<Name, WireRequest, WireResponse>,
  ): ResponseOf<Name> | Promise<ResponseOf<Name>> {
    const { name, codec, wireRequest, arrival } = running;
    running.asking = caller;
    const call = checks.admit(arrival, caller);
    const request = checks.accept(name, () => codec.read(wireRequest));
    return procedures[name](request, call);
  }

  function answered<Name extends UnaryName, WireRequest, WireResponse>(
    running: Running<Name, WireRequest, WireResponse>,
    answer: ResponseOf<Name>,
  ): Outcome<WireResponse> {
    const response = running.codec.write(answer);
    checks.ended(running);
    return { kind: "answered", response };
  }

  function failed(running: RunningCall, error: unknown): Extract<Outcome<never>, { kind: "failed" }> {
    return { kind: "failed", failure: checks.failed(running, error) };
  }
}
