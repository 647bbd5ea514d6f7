import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { Metadata, status } from "@grpc/grpc-js";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.js";

/** Every reason of the contract, and `SERVICE_UNREACHABLE`: as if nobody were there. */
export type Reason = keyof typeof codes;

export interface ScriptedRefusal {
  readonly reason: Reason;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Of what waiting helps: a minute if unset, so that the client does not wait. */
  readonly retryAfterMs?: number;
}

const codes = {
  CALLER_UNAUTHENTICATED: status.UNAUTHENTICATED,
  CALLER_NOT_ALLOWED: status.PERMISSION_DENIED,
  CALLER_RATE_LIMITED: status.RESOURCE_EXHAUSTED,
  INVALID_REQUEST: status.INVALID_ARGUMENT,
  PLATFORM_NOT_CONFIGURED: status.FAILED_PRECONDITION,
  INSTALLATION_NOT_FOUND: status.NOT_FOUND,
  INSTALLATION_AMBIGUOUS: status.FAILED_PRECONDITION,
  INSTALLATION_TAKEN: status.ALREADY_EXISTS,
  INSTALLATION_REVOKED: status.FAILED_PRECONDITION,
  INSTALLATION_SUSPENDED: status.FAILED_PRECONDITION,
  REAUTHORIZATION_REQUIRED: status.FAILED_PRECONDITION,
  SCOPE_NOT_GRANTED: status.FAILED_PRECONDITION,
  PROVIDER_UNAVAILABLE: status.UNAVAILABLE,
  PROVIDER_RATE_LIMITED: status.UNAVAILABLE,
  PROVIDER_MISCONFIGURED: status.FAILED_PRECONDITION,
  TOKEN_UNREADABLE: status.DATA_LOSS,
  SERVICE_UNAVAILABLE: status.UNAVAILABLE,
  SERVICE_UNREACHABLE: status.UNAVAILABLE,
} as const;

const waits: ReadonlySet<status> = new Set([status.UNAVAILABLE, status.RESOURCE_EXHAUSTED]);
const defaultRetryMs = 60_000;

/** As the service says it over gRPC. */
export function toGrpcError({ reason, metadata = {}, retryAfterMs = defaultRetryMs }: ScriptedRefusal) {
  const code = codes[reason];
  const message = `the test says ${reason}`;
  const trailer = new Metadata();
  if (reason !== "SERVICE_UNREACHABLE") {
    const info = create(ErrorInfoSchema, { reason, domain: "oauth.token.v1", metadata });
    const details = [anyPack(ErrorInfoSchema, info)];
    if (waits.has(code)) {
      const retry = create(RetryInfoSchema, { retryDelay: durationFromMs(Math.ceil(retryAfterMs)) });
      details.push(anyPack(RetryInfoSchema, retry));
    }
    const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
    trailer.set("grpc-status-details-bin", Buffer.from(bytes));
  }
  return { code, details: message, metadata: trailer };
}
