import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { TokenServiceError } from "../token-service-error.ts";

/** The reason of what never reached the service, or found no answer in time. */
export const unreachable = "SERVICE_UNREACHABLE";

const unreached: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Canceled]);
/** What the ways there fail with when the line breaks; from the service it is a bug of its own. */
const broken: ReadonlySet<Code> = new Set([Code.Unknown, Code.Internal]);

/** What a call failed with, as callers are told. The service's own words have a reason; another's are known by their code. */
export function toRefusal(error: unknown): TokenServiceError {
  if (error instanceof TokenServiceError) return error;
  const failure = ConnectError.from(error);
  const code = codeName(failure.code);
  const [info] = failure.findDetails(ErrorInfoSchema);
  if (info === undefined) {
    const isUnreached = unreached.has(failure.code) || (broken.has(failure.code) && !failure.isWireError);
    const reason = isUnreached ? unreachable : code;
    return new TokenServiceError({ reason, code, message: `${reason}: ${failure.rawMessage.trim()}`, cause: error });
  }
  const delay = failure.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return new TokenServiceError({
    reason: info.reason,
    code,
    message: `${info.reason}: ${failure.rawMessage}`,
    retryAfterMs: delay === undefined ? undefined : durationMs(delay),
    metadata: info.metadata,
  });
}

/** `NotFound` is `NOT_FOUND`. */
function codeName(code: Code): string {
  return (Code[code] ?? "Unknown").replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
