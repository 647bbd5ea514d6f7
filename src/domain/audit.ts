/** `token.issued`: the first hand-out of a token to a caller. `token.repeated`: further ones, `count` of them. */
export type AuditKind = "token.issued" | "token.repeated";

/** One row of the record. Never a token: `tokenFingerprint` is its SHA-256. */
export interface AuditEvent {
  readonly kind: AuditKind;
  readonly at: Date;
  readonly caller: string;
  /** The RPC that led to it. */
  readonly method: string;
  readonly installationId: string | undefined;
  readonly tokenFingerprint: string | undefined;
  readonly address: string | undefined;
  readonly requestId: string | undefined;
  readonly count: number;
}

export interface AuditLog {
  /** Durable when it returns. */
  append(events: readonly AuditEvent[]): Promise<void>;
}
