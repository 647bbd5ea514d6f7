import { Code } from "../../gen/google/rpc/code_pb.js";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { describeError } from "../described-error.ts";
import type { Authenticate, Caller } from "../domain/access/caller.ts";
import type { RateLimiter } from "../domain/access/rate-limiter.ts";
import { type AuditEvent, unprovenCaller } from "../domain/model/audit-event.ts";
import type { Arrival, Call } from "../domain/model/call.ts";
import { silentTelemetry, type Telemetry } from "../domain/model/telemetry.ts";
import { type ErrorReason, type FieldViolation, ServiceError } from "../errors.ts";
import type { Redact } from "../secret-shapes.ts";
import type { World } from "../world.ts";
import { type Failure, toFailure } from "./errors/failure.ts";
import { createReceiveCall, type IncomingCall, identified } from "./incoming-calls.ts";
import type { Procedures } from "./procedures.ts";
import type { RequestOf, ResponseOf, RpcName } from "./rpc-names.ts";
import { violationsOf } from "./rules.ts";

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
export type Dispatch = <Name extends RpcName, WireRequest, WireResponse>(
  name: Name,
  codec: Codec<Name, WireRequest, WireResponse>,
  request: WireRequest,
  incoming: IncomingCall,
) => Outcome<WireResponse> | Promise<Outcome<WireResponse>>;

export interface DispatchParts extends Pick<World, "log" | "now" | "random"> {
  readonly procedures: Procedures;
  readonly authenticate: Authenticate;
  readonly limiter: RateLimiter;
  readonly redact: Redact;
  /** Puts on record what need not be waited for: callers that were turned away. */
  readonly note?: ((event: AuditEvent) => void) | undefined;
  readonly telemetry?: Telemetry | undefined;
}

type Asking = Pick<Caller, "name" | "policyHash">;

/** A call on its way. */
interface Running<Name extends RpcName, WireRequest, WireResponse> {
  readonly name: Name;
  readonly codec: Codec<Name, WireRequest, WireResponse>;
  readonly wireRequest: WireRequest;
  readonly incoming: IncomingCall;
  readonly arrival: Arrival;
  /** Monotonic milliseconds. */
  readonly started: number;
  /** Whose it is, as far as that is known. */
  asking: Asking;
}

/** Whose a call is that did not prove it. */
const nobody: Asking = { name: unprovenCaller, policyHash: undefined };
const onRecord: ReadonlySet<ErrorReason> = new Set([
  "CALLER_UNAUTHENTICATED",
  "CALLER_NOT_ALLOWED",
  "CALLER_RATE_LIMITED",
]);

export function createDispatch(parts: DispatchParts): Dispatch {
  const { procedures, authenticate, limiter, note, log, now, telemetry = silentTelemetry } = parts;
  const receive = createReceiveCall(parts.random);
  /** Doors remember requests: those are checked once. */
  const faultless = new WeakSet<object>();

  return (name, codec, wireRequest, incoming) =>
    telemetry.inCall(receive(TokenService.method[name].name, incoming), (arrival) =>
      run({ name, codec, wireRequest, incoming, arrival, started: performance.now(), asking: nobody }),
    );

  /** Without a promise where nothing has to be waited for: on the warm path promises cost more than the work. */
  function run<Name extends RpcName, WireRequest, WireResponse>(
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

  function identify<Name extends RpcName, WireRequest, WireResponse>(
    running: Running<Name, WireRequest, WireResponse>,
  ) {
    const proven = authenticate(running.incoming);
    if (proven instanceof Promise) return proven.then((caller) => answerTo(caller, running));
    return answerTo(proven, running);
  }

  function answerTo<Name extends RpcName, WireRequest, WireResponse>(
    caller: Caller,
    running: Running<Name, WireRequest, WireResponse>,
  ): ResponseOf<Name> | Promise<ResponseOf<Name>> {
    const { name, codec, wireRequest, arrival } = running;
    running.asking = caller;
    const call = identified(arrival, caller);
    keepToRate(call);
    const request = readRequest(() => codec.read(wireRequest));
    keepToRules(name, request);
    return procedures[name](request, call);
  }

  function answered<Name extends RpcName, WireRequest, WireResponse>(
    running: Running<Name, WireRequest, WireResponse>,
    answer: ResponseOf<Name>,
  ): Outcome<WireResponse> {
    const { codec, arrival, asking, started } = running;
    const response = codec.write(answer);
    log.debug(() => fieldsOf(arrival, asking.name, "OK", started), "rpc");
    finished(arrival, asking.name, "OK", undefined, started);
    return { kind: "answered", response };
  }

  function failed(
    { arrival, asking, started }: Pick<Running<RpcName, unknown, unknown>, "arrival" | "asking" | "started">,
    error: unknown,
  ): Extract<Outcome<never>, { kind: "failed" }> {
    const failure = toFailure(error, parts.redact);
    logFailure(fieldsOf(arrival, asking.name, nameOf(failure.code), started), failure, error);
    if (failure.reason !== undefined && onRecord.has(failure.reason)) refused(arrival, asking, failure.reason);
    finished(arrival, asking.name, nameOf(failure.code), failure.reason, started);
    return { kind: "failed", failure };
  }

  /** Each rule of this method has a rate of its own; the call has to keep to all of them. */
  function keepToRate({ access }: Call): void {
    for (const { key, rate } of access.rates) {
      const waitMs = limiter.take(key, rate);
      if (waitMs <= 0) continue;
      throw new ServiceError("CALLER_RATE_LIMITED", "more calls than the caller file allows", {
        retryAfterMs: Math.ceil(waitMs),
      });
    }
  }

  function keepToRules<Name extends RpcName>(name: Name, request: RequestOf<Name>): void {
    if (faultless.has(request)) return;
    const violations = violationsOf(name, request);
    if (violations.length > 0) throw brokenRules(violations);
    faultless.add(request);
  }

  function finished(
    { method }: Arrival,
    caller: string,
    code: string,
    reason: Failure["reason"],
    started: number,
  ): void {
    telemetry.callFinished({ method, caller, code, reason, seconds: (performance.now() - started) / 1000 });
  }

  function refused({ method, address, requestId }: Arrival, { name, policyHash }: Asking, detail: ErrorReason): void {
    note?.({ kind: "call.refused", at: now(), caller: name, method, address, requestId, policyHash, detail, count: 1 });
  }

  function logFailure(fields: ReturnType<typeof fieldsOf>, failure: Failure, error: unknown): void {
    if (failure.reason === undefined) {
      log.error({ ...fields, error: describeError(error) }, "rpc");
    } else {
      const cause = error instanceof Error && error.cause !== undefined ? { cause: describeError(error.cause) } : {};
      log.info({ ...fields, reason: failure.reason, ...cause }, "rpc");
    }
  }
}

function fieldsOf({ method, requestId, trace }: Arrival, caller: string, code: string, started: number) {
  const ms = Math.round(performance.now() - started);
  return { method, code, ms, caller, requestId, traceId: trace?.traceId };
}

function nameOf(code: Code): string {
  return Code[code] ?? "UNKNOWN";
}

function readRequest<Request>(read: () => Request): Request {
  try {
    return read();
  } catch (error) {
    const why = error instanceof Error ? error.message : "it is malformed";
    throw new ServiceError("INVALID_REQUEST", `the request cannot be read: ${why}`);
  }
}

function brokenRules(violations: readonly FieldViolation[]): ServiceError {
  const [first, ...others] = violations;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return new ServiceError("INVALID_REQUEST", `${first?.field}: ${first?.description}${more}`, { violations });
}
