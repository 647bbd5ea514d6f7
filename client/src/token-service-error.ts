/** A refusal, by the reasons of the service's contract, and `SERVICE_UNREACHABLE` where it could not be asked. */
export class TokenServiceError extends Error {
  override readonly name = "TokenServiceError";
  /** Such as `INSTALLATION_NOT_FOUND`: what to branch on. */
  readonly reason: string;
  /** The gRPC status by name, such as `NOT_FOUND`. */
  readonly code: string;
  /** When asking again may help, in milliseconds; undefined where waiting does not. */
  readonly retryAfterMs: number | undefined;
  /** What the service adds, such as `install_url`. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(refusal: {
    readonly reason: string;
    readonly code: string;
    readonly message: string;
    readonly retryAfterMs?: number | undefined;
    readonly metadata?: Readonly<Record<string, string>> | undefined;
    readonly cause?: unknown;
  }) {
    super(refusal.message, { cause: refusal.cause });
    this.reason = refusal.reason;
    this.code = refusal.code;
    this.retryAfterMs = refusal.retryAfterMs;
    this.metadata = refusal.metadata ?? {};
  }
}
