/** Every reason we refuse a caller: the `reason` of google.rpc.ErrorInfo. One per thing the caller does differently. */
export type ErrorReason =
  | "CALLER_UNAUTHENTICATED"
  | "CALLER_NOT_ALLOWED"
  | "CALLER_RATE_LIMITED"
  | "INVALID_REQUEST"
  | "PLATFORM_NOT_CONFIGURED"
  | "INSTALLATION_NOT_FOUND"
  | "INSTALLATION_AMBIGUOUS"
  | "INSTALLATION_TAKEN"
  | "INSTALLATION_REVOKED"
  | "INSTALLATION_SUSPENDED"
  | "REAUTHORIZATION_REQUIRED"
  | "SCOPE_NOT_GRANTED"
  | "PROVIDER_UNAVAILABLE"
  | "PROVIDER_RATE_LIMITED"
  | "PROVIDER_MISCONFIGURED"
  | "TOKEN_UNREADABLE"
  /** Our own database or audit log cannot be reached. */
  | "SERVICE_UNAVAILABLE";

/** One field of a request that breaks a rule of the contract. */
export interface FieldViolation {
  /** Path in proto spelling, e.g. `github.repositories[3]`. */
  readonly field: string;
  /** What the field must be; never repeats a secret value. */
  readonly description: string;
}

export interface ServiceErrorOptions {
  /** Facts a program can act on; keys lowerCamelCase or as the contract names them. Never a secret. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** When it is worth trying again. */
  readonly retryAfterMs?: number;
  readonly violations?: readonly FieldViolation[];
  /** For the log only; never leaves the process. */
  readonly cause?: unknown;
}

/**
 * A refusal to a caller. The message reaches the caller: lower case, says what is wrong and, if a person can
 * fix it, how. Everything else that is thrown is a bug and leaves as "internal error".
 */
export class ServiceError extends Error {
  readonly reason: ErrorReason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly FieldViolation[];

  constructor(reason: ErrorReason, message: string, options: ServiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ServiceError";
    this.reason = reason;
    this.metadata = options.metadata ?? {};
    this.retryAfterMs = options.retryAfterMs;
    this.violations = options.violations ?? [];
  }
}

/** The refusal for one malformed request field. */
export function invalidField(field: string, description: string): ServiceError {
  return new ServiceError("INVALID_REQUEST", `${field}: ${description}`, { violations: [{ field, description }] });
}
