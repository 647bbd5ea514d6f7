import { Code } from "../../../gen/google/rpc/code_pb.js";
import { type ErrorReason, type FieldViolation, ServiceError } from "../../errors.ts";
import type { Redact } from "../../secret-shapes.ts";
import { codes } from "./codes.ts";

/** How a call failed, as its caller may know it. */
export interface Failure {
  readonly code: Code;
  readonly message: string;
  /** Undefined for what is a bug of ours. */
  readonly reason: ErrorReason | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly FieldViolation[];
}

/** Trailers have to fit into what HTTP/2 clients accept, often 8 KiB. */
const maxViolations = 20;
const maxFieldLength = 128;
const maxMessageLength = 512;

/** What the contract promises with a code that asks the caller to come back. */
const defaultRetryMs = 1_000;
const retryCodes: ReadonlySet<Code> = new Set([Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED]);

/**
 * A ServiceError with its code; everything else, aborts and timeouts of ours included, is "internal error". Secrets that a
 * caller sent by mistake are not sent back, in names of fields and keys neither.
 */
export function toFailure(error: unknown, redact: Redact): Failure {
  if (!(error instanceof ServiceError)) return internalError;
  const code = codes[error.reason];
  return {
    code,
    message: shorten(redact(error.message), maxMessageLength),
    reason: error.reason,
    metadata: error.metadata,
    retryAfterMs: error.retryAfterMs ?? (retryCodes.has(code) ? defaultRetryMs : undefined),
    violations: error.violations
      .slice(0, maxViolations)
      .map(({ field, description }) => ({ field: shorten(redact(field), maxFieldLength), description })),
  };
}

const internalError: Failure = {
  code: Code.INTERNAL,
  message: "internal error",
  reason: undefined,
  metadata: {},
  retryAfterMs: undefined,
  violations: [],
};

/** Well-formed besides: half a character cannot be sent. */
function shorten(text: string, maxLength: number): string {
  return (text.length > maxLength ? `${text.slice(0, maxLength)}…` : text).toWellFormed();
}
