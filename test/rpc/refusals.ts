import type { ErrorReason } from "../../src/errors.ts";

/** The contract's table of refusals: reason, gRPC code, number, HTTP status, whether RetryInfo is promised. */
export const refusals: readonly {
  readonly reason: ErrorReason;
  readonly code: string;
  readonly number: number;
  readonly http: number;
  readonly retry: boolean;
}[] = [
  { reason: "CALLER_UNAUTHENTICATED", code: "UNAUTHENTICATED", number: 16, http: 401, retry: false },
  { reason: "CALLER_NOT_ALLOWED", code: "PERMISSION_DENIED", number: 7, http: 403, retry: false },
  { reason: "CALLER_RATE_LIMITED", code: "RESOURCE_EXHAUSTED", number: 8, http: 429, retry: true },
  { reason: "INVALID_REQUEST", code: "INVALID_ARGUMENT", number: 3, http: 400, retry: false },
  { reason: "PLATFORM_NOT_CONFIGURED", code: "FAILED_PRECONDITION", number: 9, http: 400, retry: false },
  { reason: "INSTALLATION_NOT_FOUND", code: "NOT_FOUND", number: 5, http: 404, retry: false },
  { reason: "INSTALLATION_AMBIGUOUS", code: "FAILED_PRECONDITION", number: 9, http: 400, retry: false },
  { reason: "INSTALLATION_TAKEN", code: "ALREADY_EXISTS", number: 6, http: 409, retry: false },
  { reason: "INSTALLATION_REVOKED", code: "FAILED_PRECONDITION", number: 9, http: 400, retry: false },
  { reason: "INSTALLATION_SUSPENDED", code: "FAILED_PRECONDITION", number: 9, http: 400, retry: false },
  { reason: "REAUTHORIZATION_REQUIRED", code: "FAILED_PRECONDITION", number: 9, http: 400, retry: false },
  { reason: "SCOPE_NOT_GRANTED", code: "FAILED_PRECONDITION", number: 9, http: 400, retry: false },
  { reason: "PROVIDER_UNAVAILABLE", code: "UNAVAILABLE", number: 14, http: 503, retry: true },
  { reason: "PROVIDER_RATE_LIMITED", code: "UNAVAILABLE", number: 14, http: 503, retry: true },
  { reason: "PROVIDER_MISCONFIGURED", code: "FAILED_PRECONDITION", number: 9, http: 400, retry: false },
  { reason: "TOKEN_UNREADABLE", code: "DATA_LOSS", number: 15, http: 500, retry: false },
  { reason: "SERVICE_UNAVAILABLE", code: "UNAVAILABLE", number: 14, http: 503, retry: true },
];
