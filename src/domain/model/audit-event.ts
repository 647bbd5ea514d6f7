import { operator } from "../access/caller.ts";

/**
 * What is put on record. `token.issued`: the first hand-out of a token to a caller; `token.repeated`: further ones,
 * `count` of them. `call.refused`: UNAUTHENTICATED and NOT_ALLOWED, counted. `install.finished`: a callback stored a
 * grant; `install.completed`: its owner confirmed; `install.binding_rejected`: somebody else tried to;
 * `install.expired`: nobody did. `link.started`: a link code; `link.delivered`: who started it got the first token.
 * `audit.witnessed`: how far another chain of the record was seen to go.
 */
export type AuditKind =
  | "token.issued"
  | "token.repeated"
  | "token.refreshed"
  | "call.refused"
  | "link.created"
  | "link.started"
  | "link.approved"
  | "link.denied"
  | "link.delivered"
  | "account.secret_rotated"
  | "account.forgotten"
  | "install.finished"
  | "install.failed"
  | "install.completed"
  | "install.binding_rejected"
  | "install.expired"
  | "grant.rejected"
  | "installation.suspended"
  | "installation.resumed"
  | "installation.revoked"
  | "installation.moved"
  | "installation.imported"
  | "owner.offboarded"
  | "keys.rotated"
  | "policy.loaded"
  | "policy.refused"
  | "audit.pruned"
  | "audit.witnessed";

/** Who is named where the service acts by itself. */
export const serviceCaller = "service";

/** Who is named for a command. */
export const operatorCaller = operator.name;

/** Who is named for a browser that came without a link. */
export const browserCaller = "browser";

/** Who is named for a call without a proof. */
export const unprovenCaller = "unauthenticated";

/** Names of the record that no caller may have: their rows say what nobody's proof stands for. */
export const ownNames: ReadonlySet<string> = new Set([serviceCaller, operatorCaller, browserCaller, unprovenCaller]);

/** One row of the record. Never a token: `tokenFingerprint` is its SHA-256. */
export interface AuditEvent {
  readonly kind: AuditKind;
  readonly at: Date;
  /** The caller's name; `service` for what the service does by itself. */
  readonly caller: string;
  /** The RPC, route, job or command that led to it. */
  readonly method: string;
  readonly installationId?: string | undefined;
  readonly owner?: string | undefined;
  /** As installations are stored; the product that was asked for, where there is no installation yet. */
  readonly platform?: string | undefined;
  readonly tokenFingerprint?: string | undefined;
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
  /** SHA-256 of the caller file in force. */
  readonly policyHash?: string | undefined;
  /** A fixed word on how it ended: the reason of a refusal, a failure's code. Never an outsider's text. */
  readonly detail?: string | undefined;
  readonly count: number;
}

export interface AuditLog {
  /** Durable when it returns. */
  append(events: readonly AuditEvent[]): Promise<void>;
}

/** Whose doing something is, for the record. A call is one. */
export type Doer = Pick<AuditEvent, "caller" | "method" | "address" | "requestId" | "policyHash">;

/** What happened; the rest of the row is who and when. */
export type Happening = Pick<AuditEvent, "kind" | "installationId" | "owner" | "platform" | "detail">;

/** Rows that are stored together with a change or not at all, made of what the change turned out to be. */
export type Recording<T> = (changed: T) => readonly AuditEvent[];

/** The rows of what one doer did at one time. */
export function rowsOf(doer: Doer, at: Date, happenings: readonly Happening[]): readonly AuditEvent[] {
  const { caller, method, address, requestId, policyHash } = doer;
  const who = { at, caller, method, address, requestId, policyHash, count: 1 };
  return happenings.map((happening) => ({ ...happening, ...who }));
}
