import { Code } from "../../gen/google/rpc/code_pb.js";
import type { Call } from "../domain/call.ts";
import { silentTelemetry, type Telemetry } from "../domain/telemetry.ts";
import { type FieldViolation, ServiceError } from "../errors.ts";
import type { Log } from "../world.ts";
import { describeError } from "./errors/described-error.ts";
import { type Failure, toFailure } from "./errors/failure.ts";
import type { Procedures, RequestOf, ResponseOf, RpcName } from "./procedures.ts";
import { violationsOf } from "./rules.ts";

export type Outcome<Wire> =
  | { readonly kind: "answered"; readonly response: Wire }
  | { readonly kind: "failed"; readonly failure: Failure };

/** How a door carries an RPC's messages. */
export interface Codec<Name extends RpcName, WireRequest, WireResponse> {
  /** Throws if the content is no request; the message reaches the caller. */
  read(request: WireRequest): RequestOf<Name>;
  write(response: ResponseOf<Name>): WireResponse;
}

/**
 * Runs one call from its content to its outcome: reads the request, applies the rules, runs the procedure, maps what
 * is thrown, writes one log line, tells of it. Never rejects, and goes on when the caller hangs up.
 */
export type Dispatch = <Name extends RpcName, WireRequest, WireResponse>(
  name: Name,
  codec: Codec<Name, WireRequest, WireResponse>,
  request: WireRequest,
  call: Call,
) => Promise<Outcome<WireResponse>>;

export function createDispatch(parts: {
  readonly procedures: Procedures;
  readonly log: Log;
  readonly now: () => Date;
  readonly telemetry?: Telemetry | undefined;
}): Dispatch {
  const { procedures, log, now, telemetry = silentTelemetry } = parts;

  return (name, codec, wireRequest, call) => telemetry.inCall(call, (own) => run(name, codec, wireRequest, own));

  async function run<Name extends RpcName, WireRequest, WireResponse>(
    name: Name,
    codec: Codec<Name, WireRequest, WireResponse>,
    wireRequest: WireRequest,
    call: Call,
  ): Promise<Outcome<WireResponse>> {
    const startMs = now().getTime();
    const started = performance.now();
    try {
      const request = readRequest(() => codec.read(wireRequest));
      const violations = violationsOf(name, request);
      if (violations.length > 0) throw brokenRules(violations);
      const response = codec.write(await procedures[name](request, call));
      log.debug(logFields(call, "OK", startMs), "rpc");
      measure(call, "OK", undefined, started);
      return { kind: "answered", response };
    } catch (error) {
      const failure = toFailure(error);
      logFailure(call, failure, error, startMs);
      measure(call, nameOf(failure.code), failure.reason, started);
      return { kind: "failed", failure };
    }
  }

  function measure({ method, caller }: Call, code: string, reason: Failure["reason"], started: number): void {
    telemetry.callFinished({ method, caller, code, reason, seconds: (performance.now() - started) / 1000 });
  }

  function logFailure(call: Call, failure: Failure, error: unknown, startMs: number): void {
    const fields = logFields(call, nameOf(failure.code), startMs);
    if (failure.reason === undefined) {
      log.error({ ...fields, error: describeError(error) }, "rpc");
    } else {
      const cause = error instanceof Error && error.cause !== undefined ? { cause: describeError(error.cause) } : {};
      log.info({ ...fields, reason: failure.reason, ...cause }, "rpc");
    }
  }

  function logFields(call: Call, code: string, startMs: number) {
    const { method, caller, requestId, trace } = call;
    return { method, code, ms: now().getTime() - startMs, caller, requestId, traceId: trace?.traceId };
  }
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
