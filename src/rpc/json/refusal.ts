import { Code } from "../../../gen/google/rpc/code_pb.js";
import { httpStatuses } from "../errors/codes.ts";
import type { Failure } from "../errors/failure.ts";
import type { JsonAnswer } from "./json-calls.ts";

/** What JSON callers are told of a call that failed. */
export function refusal(failure: Failure): JsonAnswer {
  const { code, reason, message, metadata, violations, retryAfterMs } = failure;
  return {
    status: httpStatuses[code],
    body: {
      error: {
        code: Code[code] ?? "UNKNOWN",
        reason: reason ?? "",
        message,
        metadata: { ...metadata },
        ...(violations.length === 0 ? {} : { violations: violations.map((violation) => ({ ...violation })) }),
      },
    },
    retryAfterSeconds: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000),
  };
}
