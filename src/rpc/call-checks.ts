import { Code } from "../../gen/google/rpc/code_pb.js";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { describeError } from "../described-error.ts";
import type { Authenticate, Caller } from "../domain/access/caller.ts";
import { keepToRates, type RateLimiter } from "../domain/access/rate-limiter.ts";
import { type AuditEvent, unprovenCaller } from "../domain/model/audit-event.ts";
import type { Arrival, Call } from "../domain/model/call.ts";
import { silentTelemetry, type Telemetry } from "../domain/model/telemetry.ts";
import { type ErrorReason, type FieldViolation, ServiceError } from "../errors.ts";
import type { Redact } from "../secret-shapes.ts";
import { perObject } from "../work/per-object.ts";
import type { World } from "../world.ts";
import { type Failure, toFailure } from "./errors/failure.ts";
import { createReceiveCall, type IncomingCall, identified } from "./incoming-calls.ts";
import type { RequestOf, RpcName } from "./rpc-names.ts";
import { violationsOf } from "./rules.ts";

/** What every call goes through, answered once or with a stream. */
export interface CallParts extends Pick<World, "log" | "now" | "random"> {
  readonly authenticate: Authenticate;
  readonly limiter: RateLimiter;
  readonly redact: Redact;
  /** Puts on record what need not be waited for: callers that were turned away. */
  readonly note?: ((event: AuditEvent) => void) | undefined;
  readonly telemetry?: Telemetry | undefined;
}

export type Asking = Pick<Caller, "name" | "policyHash">;

/** Whose a call is that did not prove it. */
export const nobody: Asking = { name: unprovenCaller, policyHash: undefined };

/** A call on its way. */
export interface RunningCall {
  readonly arrival: Arrival;
  /** Monotonic milliseconds. */
  readonly started: number;
  /** Whose it is, as far as that is known. */
  asking: Asking;
}

export interface CallChecks {
  receive(name: RpcName, incoming: IncomingCall): Arrival;
  /** @throws ServiceError CALLER_NOT_ALLOWED, CALLER_RATE_LIMITED */
  admit(arrival: Arrival, caller: Caller): Call;
  /** @throws ServiceError INVALID_REQUEST for what is no request, or breaks the contract's rules. */
  accept<Name extends RpcName>(name: Name, read: () => RequestOf<Name>): RequestOf<Name>;
  /** Tells of a call that ended well. */
  ended(running: RunningCall, code?: "OK" | "CANCELLED"): void;
  /** Tells of one that did not; gives what its caller may know. */
  failed(running: RunningCall, error: unknown): Failure;
}

const onRecord: ReadonlySet<ErrorReason> = new Set([
  "CALLER_UNAUTHENTICATED",
  "CALLER_NOT_ALLOWED",
  "CALLER_RATE_LIMITED",
]);

export function createCallChecks(parts: CallParts): CallChecks {
  const { limiter, note, log, now, telemetry = silentTelemetry } = parts;
  const receive = createReceiveCall(parts.random);
  /** Doors remember requests: those are checked once. */
  const checked = perObject((_: object) => ({ isFaultless: false }));

  function finished({ arrival, asking, started }: RunningCall, code: string, reason?: Failure["reason"]): void {
    const seconds = (performance.now() - started) / 1000;
    telemetry.callFinished({ method: arrival.method, caller: asking.name, code, reason, seconds });
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

  return {
    receive: (name, incoming) => receive(TokenService.method[name].name, incoming),

    admit(arrival, caller) {
      const call = identified(arrival, caller);
      keepToRates(limiter, call.access);
      return call;
    },

    accept(name, read) {
      const request = readRequest(read);
      const known = checked(request);
      if (known.isFaultless) return request;
      const violations = violationsOf(name, request);
      if (violations.length > 0) throw brokenRules(violations);
      known.isFaultless = true;
      return request;
    },

    ended(running, code = "OK") {
      log.debug(() => fieldsOf(running, code), "rpc");
      finished(running, code);
    },

    failed(running, error) {
      const failure = toFailure(error, parts.redact);
      const code = Code[failure.code] ?? "UNKNOWN";
      logFailure(fieldsOf(running, code), failure, error);
      const { reason } = failure;
      if (reason !== undefined && onRecord.has(reason)) refused(running.arrival, running.asking, reason);
      finished(running, code, reason);
      return failure;
    },
  };
}

function fieldsOf({ arrival: { method, requestId, trace }, asking, started }: RunningCall, code: string) {
  const ms = Math.round(performance.now() - started);
  return { method, code, ms, caller: asking.name, requestId, traceId: trace?.traceId };
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
